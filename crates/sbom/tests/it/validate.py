import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from cyclonedx.validation.xml import XmlValidator
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.parser.tagvalue.parser import Parser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def messages(name, version, text):
    if name.startswith("cyclonedx"):
        schema = SchemaVersion.from_version(version)
        validator = JsonStrictValidator if name == "cyclonedx-json" else XmlValidator
        error = validator(schema).validate_str(text)
        return [error] if error else []
    if version == "2.1":
        # The tools begin with 2.2, which allows all that 2.1 does.
        text, version = text.replace("SPDX-2.1", "SPDX-2.2", 1), "2.2"
    if name == "spdx-tag-value":
        document = Parser().parse(text)
    elif name == "spdx-json" and version != "3.0.1":
        document = JsonLikeDictParser().parse(json.loads(text))
    else:
        return []
    return validate_full_spdx_document(document, "SPDX-" + version)


failed = False
for label, text in json.load(sys.stdin):
    name, _, version = label.partition("@")
    for message in messages(name, version, text):
        print(label, message)
        failed = True
sys.exit(1 if failed else 0)
