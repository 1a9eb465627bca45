"""The causes: why a file is no customer list, or what of it cannot be used, by their codes."""

from __future__ import annotations

from typing import Any

from incidents.errors import Cause

CAUSES: dict[str, str] = {
    # The file.
    "empty": "it is empty; a customer list is CSV or XLSX with a header, or JSON",
    "large": "it has more than {limit} bytes, which is more than a customer list needs: split it",
    "rows": "it has more than {limit} rows: split it",
    "changed": "it was changed while it was read: import it again",
    "utf_32": "it is UTF-32; save it as UTF-8",
    "encoding": "the byte {byte} at offset {offset} is neither UTF-8 nor GB18030: save the list as"
    " UTF-8, or as UTF-16 with its mark (BOM)",
    "marked_encoding": "the byte {byte} at offset {offset} is not {encoding}, as the mark (BOM) at"
    " its beginning says it is: save it as UTF-8",
    # The header.
    "no_header": "it has no header: the first row must name the columns, such as site and"
    " subject_name",
    "no_name": "column {number} has no name: name it, or take it out",
    "column_twice": "the column {column} is there twice: keep one of them",
    "columns": "it has {found} columns, and {limit} are the most",
    "long_name": "a column's name has more than {limit} characters: is the first row a header?",
    "name_control": "the name of column {number} holds {character}: take it out, or save the list"
    " as UTF-8",
    "unknown_column": "{column!r} is no field of a filing{nearest}: rename it, or ignore such"
    " columns",
    "no_site": "no column names the site: call it site, 域名 or 网站",
    "same_column": "the columns {column!r} and {other!r} are one field, {field}: keep one of them",
    # A row.
    "long_line": "a line has more than {limit} characters: is it a customer list?",
    "unclosed": "a quote that is opened here is not closed within {limit} characters: close it, or"
    " double a quote that is meant as such",
    "unclosed_to_end": "a quote that is opened here is never closed: close it, or double a quote"
    " that is meant as such",
    "not_csv": "it is not CSV ({error}): double a quote that is meant as such",
    "too_many_cells": "it has more cells than the header has columns ({columns}): put a text that"
    " holds a delimiter in quotes",
    "control": "it holds {character}: take it out",
    "long_cell": "it has {length} characters, and {limit} are the most: shorten it",
    # JSON.
    "not_json": "it is not JSON ({error})",
    "json_large": "one filing has more than {limit} characters, or the JSON is broken",
    "json_object": "it is not a JSON object with site and details",
    "json_text": "it is {kind}: write it as a text",
    # XLSX.
    "old_xls": "it is an old .xls, or it is locked by a password: save it as .xlsx without one",
    "encrypted": "its part {part} is encrypted: save it without a password",
    "not_zip": "it is no XLSX that can be read: save it again as .xlsx, or as CSV",
    "zip_part": "its part {part} cannot be unpacked: save it again as .xlsx, or as CSV",
    "zip_directory": "its directory has more than {limit} bytes, which no spreadsheet needs",
    "zip_members": "it has {found} parts, and {limit} are the most: copy the list alone into a new"
    " file",
    "zip_twice": "its part {part} is there twice: save it again as .xlsx",
    "zip_method": "its part {part} is compressed in a way that no XLSX is: save it again as .xlsx",
    "zip_size": "its part {part} unpacks to more than {limit} bytes: copy the list alone into a new"
    " file, or save it as CSV",
    "zip_ratio": "its part {part} unpacks to more than {limit} times its size, as no list does:"
    " save it as CSV",
    "not_xlsx": "it is a ZIP, but no XLSX (there is no {part}): save the list as .xlsx or as CSV",
    "xlsb": "it is an .xlsb: save it as .xlsx or as CSV",
    "no_sheet": "it has no sheet with cells: save the list as .xlsx or as CSV",
    "bad_xml": "its part {part} is no XML that can be read{where}: save it again as .xlsx",
    "doctype": "its part {part} declares a document type, as no spreadsheet does: save it again as"
    " .xlsx, or as CSV",
    "deep": "its part {part} nests deeper than {limit}: save it again as .xlsx",
    "elements": "its part {part} has more than {limit} elements: copy the list alone into a new"
    " file, or save it as CSV",
    "long_token": "its part {part} holds one piece of more than {limit} characters: save it as CSV",
    "strings": "its texts have more than {limit} bytes together: save it as CSV",
    "row_order": "row {row} comes after row {before}: save it again as .xlsx",
    "bad_cell": "the cell {cell} is written in a way that no XLSX is: save it again as .xlsx",
    "formula": "it is a formula, which is no fact: put its value there (paste as values)",
    "cell_error": "it is the error {value} of a formula: write what is filed",
    "digits": "it is a number of more than 15 digits, of which a spreadsheet keeps 15 alone: format"
    " the cell as text and type the number again",
    "no_date": "it is {value}, which is no date: write one such as 2026-01-02",
    # A customer.
    "site_missing": "the site's name is missing: write one such as shop.example",
    "site": "{cause}",
    "site_twice": "row {row} names the site too: make one row of both",
    "choice": "it is none of the words of the form: write one of {known}",
    "early_day": "it lies before {first}: write the day that is meant",
    "day": "it is no day: write one such as 2026-01-02, 2026/1/2 or 2026年1月2日",
    "long": "it has {length} characters, and {limit} are the most: shorten it",
    "one_line": "it holds a line end: write it on one line",
    "label": "{label!r} is no label, which has small letters, digits and hyphens, 40 at most:"
    " rename it",
    "items": "there are {found}, and {limit} are the most for one filing",
    "item_json": 'it is not a JSON object of texts: write one such as {{"{field}":"…"}}',
    "item_field": "{part!r} is no field of it: there are {known}",
    "item_twice": "another column says it too: keep one of them",
    "digest": "it is no SHA-256: write its 64 hexadecimal digits",
    "number": "it is no number: write digits alone",
}


def cause(code: str, **facts: Any) -> Cause:
    """The cause of that code."""
    return Cause.of(f"list_{code}", CAUSES[code], **facts)
