"""What tells of a Hugging Face folder: its dataset card (README.md) and its Croissant description.

Both hold text from outside (names of sources, messages), which is escaped: a card is shown as a web page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
          (10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"))  # fmt: skip
"""Size categories of the Hugging Face hub, by their upper ends."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:@/^$=])")
RIGHTS = "texts are their publishers' copyright"


def escaped(text: str) -> str:
    """Text that is shown as it is: no control characters, no Markdown, no HTML."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    # Markdown first: a backslash before the `&` of `&lt;` would show the reference instead of the sign.
    return html.escape(_MARKDOWN.sub(r"\\\1", plain), quote=False)


def _name(facts: Mapping[str, Any]) -> str:
    return f"khotin-{facts['store_id'][:8]}-version-{facts['version']}"


def _filter(told: Mapping[str, Any]) -> str:
    """What a filter takes, in words."""
    topics = " or ".join(f"{topic['name']} ({topic['version']})" for topic in told["topics"])
    parts = [f"of topic {topics}"] if topics else []
    if told["min_score"] is not None:
        parts.append(f"with a closeness of {told['min_score']:g} or more")
    return " ".join(parts)


def dataset_card(facts: Mapping[str, Any]) -> str:
    """The dataset card of an export; `facts` are those of its manifest."""
    count = facts["documents"]
    size = next((name for top, name in _SIZES if count < top), "100M<n<1B")
    since = facts["since"]
    what = f"version {facts['version']}"
    if since:
        what += f", only what was added or revised after version {since['version']}"
    told = facts.get("filter")
    if told:
        what += f", only {_filter(told)}"
    sources = "\n".join(f"| {escaped(name)} | {number} |" for name, number in facts["sources"].items())
    head = {
        "pretty_name": f"khotin, {what}",
        "language": ["vi"],
        "license": "other",
        "license_name": RIGHTS,
        "task_categories": ["text-generation"],
        "size_categories": [size],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
        ],
    }
    # JSON is YAML: quoting is then nobody's guess.
    front = "\n".join(f"{key}: {orjson.dumps(value).decode()}" for key, value in head.items())
    return f"""---
{front}
---

# khotin, {what}

A versioned corpus of Vietnamese news: {count} documents. The {RIGHTS}; this licence covers none of them.

| | |
|---|---|
| version | {facts["version"]} |
| chain | `{facts["chain"]}` |
| delta root | `{facts["delta_root"]}` |
| root over these leaves | `{facts["leaves_root"]}` |
| store | `{facts["store_id"]}` |
| documents | {count} |
| message | {escaped(facts["header"]["message"])} |

| source | documents |
|---|---|
{sources}

## How to load

```python
from datasets import load_dataset

corpus = load_dataset("path/to/this/folder", split="train")
print(corpus[0]["title"], corpus[0]["text"])
```

The fields `text`, `id`, `url`, `date`, `language` and `language_script` mean what they mean in FineWeb-2.
`khotin verify-export path/to/this/folder` hashes every document again and needs no database.
"""


_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The JSON-LD context of Croissant 1.0, as its specification prints it."""

_COLUMNS = {
    "id": "sc:Text",
    "text": "sc:Text",
    "url": "sc:URL",
    "date": "sc:DateTime",
    "language": "sc:Text",
    "title": "sc:Text",
    "source": "sc:Text",
    "added_in_version": "sc:Integer",
    "rev": "sc:Integer",
    "leaf": "sc:Text",
}


def croissant(facts: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> bytes:
    """The Croissant 1.0 description (JSON-LD) of a folder of shards; each shard with its SHA-256."""
    shards = [
        {
            "@type": "cr:FileObject",
            "@id": file["name"],
            "name": file["name"],
            "contentUrl": file["name"],
            "contentSize": f"{file['bytes']} B",
            "encodingFormat": "application/x-parquet",
            "sha256": file["sha256"],
        }
        for file in files
    ]
    shards.append(
        {
            "@type": "cr:FileSet",
            "@id": "shards",
            "name": "shards",
            "encodingFormat": "application/x-parquet",
            "includes": "data/train-*.parquet",
        }
    )
    documents = {
        "@type": "cr:RecordSet",
        "@id": "documents",
        "name": "documents",
        "description": "One document in the state of this version.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"documents/{name}",
                "name": name,
                "dataType": kind,
                "source": {"fileSet": {"@id": "shards"}, "extract": {"column": name}},
            }
            for name, kind in _COLUMNS.items()
        ],
    }
    value = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": _name(facts),
        "description": f"khotin: Vietnamese news, version {facts['version']}, chain {facts['chain']}.",
        "inLanguage": "vi",
        "license": RIGHTS,
        "url": f"urn:uuid:{facts['store_id']}",
        "version": f"{facts['version']}.0.0",
        "datePublished": facts["created_at"],
        "citeAs": _name(facts),
        "distribution": shards,
        "recordSet": [documents],
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
