"""Bytes in, values out: articles, seeds, feeds, sitemaps and addresses, without network, database or clock.

The two doors for articles are here; what they give is defined in `parsers.article` and `parsers.seed`.
"""

from __future__ import annotations

from parsers.article import Article, Paragraph, ParagraphKind, Precision, Rejection, RejectReason
from parsers.reading import PARSER_NAMES, parse_article
from parsers.seed import SeedDocument, SeedProblem, parse_seed

__all__ = [
    "PARSER_NAMES",
    "Article",
    "Paragraph",
    "ParagraphKind",
    "Precision",
    "RejectReason",
    "Rejection",
    "SeedDocument",
    "SeedProblem",
    "parse_article",
    "parse_seed",
]
