"""Holds documents against the validators of their formats, all in one process, as most of the time goes into loading them.

Usage: conform.py SCHEMAS DOCUMENT...; a document is named by its format and version, as `web/spdx-json@2.3.spdx.json`.
Says one line per check: document, validator, `ok` or what is wrong.
"""

import json
import logging
import pathlib
import sys

import check_jsonschema
from click.testing import CliRunner
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from cyclonedx.validation.xml import XmlValidator
from ntia_conformance_checker import SbomChecker
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.parser.tagvalue.parser import Parser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

logging.disable(logging.CRITICAL)


def spdx_tools(version, path):
    # The tools begin with 2.2, which allows all that 2.1 does.
    known = "2.2" if version == "2.1" else version
    if path.name.startswith("spdx-json"):
        document = parse_file(str(path))
    else:
        document = Parser().parse(path.read_text().replace("SPDX-2.1", "SPDX-2.2", 1))
    messages = validate_full_spdx_document(document, "SPDX-" + known)
    return [message.validation_message for message in messages]


def cyclonedx(validator, version, path):
    error = validator(SchemaVersion.from_version(version)).validate_str(path.read_text())
    return [str(error)] if error else []


def conformance(standard, specification, path):
    # `spdx_tools` has validated it already, where it can.
    checker = SbomChecker(str(path), specification == "spdx3", standard, specification)
    if checker.compliant:
        return []
    wanted = [row for row in checker.table_elements if not row[0].endswith(("(Warning)", "(Optional)"))]
    lacks = [f"{name}: {value}" for name, value in wanted if not value]
    said = [message.validation_message for message in checker.validation_messages]
    return lacks + said + checker.parsing_errors or ["not conformant"]


def schema(schemas, version, path):
    arguments = ["--schemafile", str(schemas / f"spdx-{version}.json"), str(path)]
    done = CliRunner().invoke(check_jsonschema.main, arguments)
    return [] if done.exit_code == 0 else [done.output or repr(done.exception)]


def checks(name, version, path, schemas):
    if name == "cyclonedx-json":
        yield "JsonStrictValidator", lambda: cyclonedx(JsonStrictValidator, version, path)
    if name == "cyclonedx-xml":
        yield "XmlValidator", lambda: cyclonedx(XmlValidator, version, path)
    if name.startswith("spdx") and version != "3.0.1":
        yield "spdx-tools", lambda: spdx_tools(version, path)
    if name == "spdx-json" and (schemas / f"spdx-{version}.json").exists():
        yield "check-jsonschema", lambda: schema(schemas, version, path)
    if name == "spdx-json" and version == "2.3":
        yield "ntia", lambda: conformance("ntia", "spdx2", path)
    if name == "spdx-json" and version == "3.0.1":
        yield "ntia", lambda: conformance("ntia", "spdx3", path)
        yield "bsi", lambda: conformance("bsi", "spdx3", path)
        yield "fsct3-min", lambda: conformance("fsct3-min", "spdx3", path)


for argument in sys.argv[2:]:
    document = pathlib.Path(argument)
    format_name, _, rest = document.name.partition("@")
    written_version = rest.removesuffix(".spdx.json")
    for validator, run in checks(format_name, written_version, document, pathlib.Path(sys.argv[1])):
        try:
            wrong = run()
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
        said = "; ".join(" ".join(message.split()) for message in wrong[:5])
        print(f"{document.parent.name}/{document.name}", validator, said[:2000] or "ok", flush=True)
