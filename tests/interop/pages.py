"""The registry's pages in a browser: by keyboard alone and without scripts, in light and dark, wide and narrow.

pages.py ORIGIN USER PASSWORD REPOSITORY TAG [FOLDER]: the image has a finding of high severity; a folder gets pictures.
"""

import sys

from playwright.sync_api import sync_playwright

ORIGIN, USER, PASSWORD, REPOSITORY, TAG = sys.argv[1:6]
FOLDER = sys.argv[6] if len(sys.argv) > 6 else None
IMAGE = f"/r/{REPOSITORY}/-/{TAG}"
VIEWS = ["layers", "packages", "findings", "trust", "referrers", "history", "manifest"]
PAGES = [
    "/", "/?q=nothing-of-this-name", f"/r/{REPOSITORY}", IMAGE, *[f"{IMAGE}?view={view}" for view in VIEWS],
    f"{IMAGE}?view=layers&sort=size", f"{IMAGE}?view=findings&severity=high&fixed=yes", "/-/storage", "/-/admin",
    "/-/admin/robots", "/-/admin/retain", "/-/admin/collect", "/-/admin/log", f"/-/admin/log?user={USER}&event=manifest.pushed",
    "/-/account", "/r/no/such", "/-/login",
]
CONTROLS = {"button", "link", "textbox", "searchbox", "combobox", "spinbutton", "DisclosureTriangle"}
faults = []

# What can be seen of a page: wider than the window, headings out of order, letters hardly to be told from what is behind.
LOOK = """() => {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push('wider than the window');
  const ranks = [...document.querySelectorAll('h1,h2,h3,h4')].map(it => +it.tagName[1]);
  if (ranks[0] !== 1 || ranks.filter(rank => rank === 1).length !== 1) faults.push('not one first heading: ' + ranks);
  ranks.forEach((rank, at) => { if (at && rank > ranks[at - 1] + 1) faults.push('a rank is left out: ' + ranks); });
  if (document.documentElement.lang !== 'en') faults.push('no language');
  const parse = text => text.startsWith('color(') ? null : (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(it => it / 255).map(it => it <= .04045 ? it / 12.92 : ((it + .055) / 1.055) ** 2.4)
    .reduce((sum, it, at) => sum + it * [.2126, .7152, .0722][at], 0);
  const behind = element => {
    for (let it = element; it; it = it.parentElement) {
      const colour = parse(getComputedStyle(it).backgroundColor);
      if (colour && (colour.length === 3 || colour[3] === 1)) return colour;
    }
    return parse(getComputedStyle(document.documentElement).backgroundColor);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let n_texts = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement, style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (!texts.currentNode.data.trim() || box.width < 2 || box.right < 0 || style.visibility === 'hidden') continue;
    n_texts++;
    const front = element.closest('svg') && element.tagName === 'text' ? parse(style.fill) : parse(style.color);
    const [a, b] = [light(front), light(behind(element))].sort((x, y) => y - x);
    const contrast = (a + .05) / (b + .05), size = parseFloat(style.fontSize);
    const is_large = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
    if (contrast < (is_large ? 3 : 4.5)) faults.push(`contrast ${contrast.toFixed(2)}: ${element.tagName} ${texts.currentNode.data.trim().slice(0, 40)}`);
  }
  if (n_texts < 3) faults.push('hardly any text');
  return faults;
}"""

# What has the focus, and how one sees it.
FOCUS = """() => {
  const it = document.activeElement, style = getComputedStyle(it), box = it.getBoundingClientRect();
  return {
    name: (it.getAttribute('aria-label') || (it.labels && it.labels[0] && it.labels[0].textContent) || it.textContent || '').trim(),
    tag: it.tagName.toLowerCase(),
    seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.left >= 0,
  };
}"""


def fault(text):
    faults.append(text)
    print(f"fault: {text}", file=sys.stderr)


def watch(page):
    def asked(request):
        if not request.url.startswith(f"{ORIGIN}/"):
            fault(f"asked for {request.url}")

    def said(message):
        # That a page is not found is said, too.
        if message.type in ("error", "warning") and "the server responded with a status of" not in message.text:
            fault(f"{page.url}: {message.text}")

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: fault(f"{page.url}: {error}"))


def tab_to(page, name, tag=None):
    """By the tabulator to what has this name; whatever has the focus on the way is seen to have it."""
    for _ in range(120):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus["tag"] == "body":
            continue
        if not focus["seen"]:
            fault(f"{page.url}: the focus is not seen on {focus}")
        if focus["name"] == name and tag in (None, focus["tag"]):
            return
    raise SystemExit(f"{page.url}: no way by keyboard to `{name}`")


def enter(page):
    with page.expect_navigation():
        page.keyboard.press("Enter")


def expect(page, text):
    if text not in page.inner_text("main"):
        fault(f"{page.url}: lacks `{text}`")


def by_keyboard(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    watch(page)
    page.goto(f"{ORIGIN}{IMAGE}")
    page.keyboard.press("Tab")
    if page.evaluate(FOCUS)["name"] != "Skip to the content" or not page.evaluate(FOCUS)["seen"]:
        fault("the first stop is not the way to the content")
    tab_to(page, "User")
    page.keyboard.type(USER)
    tab_to(page, "Password")
    page.keyboard.type("wrong")
    enter(page)
    expect(page, "User and password do not fit.")
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    enter(page)
    if page.url != f"{ORIGIN}{IMAGE}":
        fault(f"after the login at {page.url}, and not where one wanted to go")
    cookie = context.cookies()[0]
    if not (cookie["httpOnly"] and cookie["sameSite"] == "Strict"):
        fault(f"the cookie is {cookie}")
    tab_to(page, "Repositories")
    enter(page)
    tab_to(page, "Name contains")
    page.keyboard.type(REPOSITORY)
    enter(page)
    tab_to(page, REPOSITORY)
    enter(page)
    tab_to(page, TAG)
    enter(page)
    expect(page, "Verdict")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    tab_to(page, "Layers")
    enter(page)
    tab_to(page, "largest first")
    enter(page)
    page.goto(f"{ORIGIN}{IMAGE}?view=findings")
    tab_to(page, "Severity")
    page.keyboard.type("low")
    tab_to(page, "Filter")
    enter(page)
    expect(page, "0 of 1 finding")
    tab_to(page, "Severity")
    page.keyboard.type("high")
    enter_by(page, "Filter")
    expect(page, "1 of 1 finding")
    enter_by(page, "Administration")
    enter_by(page, "Collection")
    enter_by(page, "What would be collected?")
    if "leave the disk" not in page.get_by_role("status").inner_text():
        fault("nothing is said of the collection")
    enter_by(page, "Collect now")
    if "left the disk" not in page.get_by_role("status").inner_text():
        fault("nothing was collected")
    enter_by(page, "Audit log")
    expect(page, "each line follows the one before")
    tab_to(page, "Event")
    page.keyboard.type("manifest.pus")
    tab_to(page, "User contains")
    page.keyboard.type(USER)
    enter(page)
    expect(page, f"{REPOSITORY}:{TAG}")
    by_link(page, f"/r/{REPOSITORY}/-/sha256:")
    expect(page, f"docker pull {ORIGIN.split('//')[1]}/{REPOSITORY}@sha256:")
    page.goto(f"{ORIGIN}/-/admin/log")
    enter_by(page, "Robots")
    for name, text in [("Name", "browser"), ("Repositories, as team/** or team/app:v*", "team/**")]:
        tab_to(page, name)
        page.keyboard.type(text)
    enter(page)
    expect(page, "sealift_robot_")
    tab_to(page, "Change browser")
    page.keyboard.press("Enter")
    enter_by(page, "Remove browser")
    expect(page, "is removed")
    enter_by(page, f"Account: {USER}")
    enter_by(page, "Log out everywhere")
    page.goto(f"{ORIGIN}/-/account")
    if "/-/login" not in page.url:
        fault("one is still logged in")
    context.close()


def enter_by(page, name):
    tab_to(page, name)
    enter(page)


def by_link(page, prefix):
    """By the tabulator to the first link that begins so."""
    for _ in range(120):
        page.keyboard.press("Tab")
        address = page.evaluate("document.activeElement.getAttribute('href')")
        if address and address.startswith(prefix):
            enter(page)
            return
    raise SystemExit(f"{page.url}: no link to `{prefix}`")


def names(page, path):
    """What a screen reader is told: each control has a name, and the page its parts."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    value = lambda node, what: node.get(what, {}).get("value", "")
    nodes = [node for node in nodes if not node.get("ignored")]
    for node in nodes:
        if value(node, "role") in CONTROLS and not value(node, "name").strip():
            fault(f"{path}: a {value(node, 'role')} without a name")
    roles = [value(node, "role") for node in nodes]
    for part in ["banner", "main", "navigation", "contentinfo"]:
        if part not in roles:
            fault(f"{path}: no {part}")
    if "table" in roles and ("columnheader" not in roles or "rowheader" not in roles or "cell" not in roles):
        fault(f"{path}: a table that is none to those who hear it")


def see(page, name, scheme, width):
    for text in page.evaluate(LOOK):
        fault(f"{page.url} {name} {scheme} {width}: {text}")
    names(page, f"{page.url} {name}")
    if FOLDER:
        page.screenshot(path=f"{FOLDER}/{name}-{scheme}-{width}.png", full_page=True)


def look(browser, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    watch(page)
    page.goto(f"{ORIGIN}/-/login")
    see(page, "login", scheme, width)
    for label, text in [("User", USER), ("Password", PASSWORD)]:
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Log in").click()
    titles = set()
    for number, path in enumerate(PAGES):
        page.goto(f"{ORIGIN}{path}")
        titles.add(page.title())
        see(page, f"{number:02}", scheme, width)
    # What forms lead to, and what is shown on demand.
    page.goto(f"{ORIGIN}/-/admin/robots")
    page.get_by_label("Name", exact=True).fill(f"look-{scheme}-{width}")
    page.get_by_label("Repositories, as").fill("team/**")
    page.get_by_role("button", name="Make").click()
    expect(page, "It is shown this once")
    see(page, "robot", scheme, width)
    page.goto(f"{ORIGIN}/-/admin/retain")
    page.get_by_role("button", name="What would be removed now?").click()
    see(page, "retention", scheme, width)
    page.goto(f"{ORIGIN}/-/admin")
    page.locator("summary").first.click()
    see(page, "change", scheme, width)
    # Searches and filters of a page share its title.
    if len(titles) < len(PAGES) - 4:
        fault(f"pages with the same title: {sorted(titles)}")
    context.close()


with sync_playwright() as playwright:
    # Root has no other choice, and the pages are our own.
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    by_keyboard(browser)
    for scheme in ["light", "dark"]:
        for width in [390, 1280]:
            look(browser, scheme, width)
    browser.close()
print(f"{len(PAGES)} pages, {len(faults)} faults")
sys.exit(1 if faults else 0)
