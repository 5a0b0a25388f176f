"""Finds out in what encoding a text file is written, or that it is no text at all.

A byte order mark decides, then UTF-8 if every byte of the file fits. What is left is decoded in
each usual encoding: the one is taken in which most of what is beyond ASCII is of one language.
Only where none fits well, `charset-normalizer` is asked.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from finegates.data.formats import ENCODINGS
from finegates.errors import DataError

FOREIGN_MARKS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"(\xb5/\xfd": "a zstd archive",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF",
    b"{\\rtf": "an RTF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x80\x02": "a Python pickle",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04": "a Python pickle (binary data)",
    b"\x80\x05": "a Python pickle",
    b"\x7fELF": "a program (binary data)",
    b"version https://git-lfs": "a git-lfs pointer and not the file (git lfs pull fetches it)",
}
"""How files begin that are no table as text, and what they are."""
_MARKUP = re.compile(rb"\s*(<!doctype html|<html|<\?xml)", re.IGNORECASE)
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CHUNK = 2**20
_HEAD = 2**16
_MOST_LINES = 400
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")
_MOST_CONTROLS = 0.002
"""Share of a text in an old encoding that may be control characters."""
_LIKE_UTF8 = re.compile(
    rb"[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}"
    rb"|[\xc0-\xf7][\x80-\xbf]{0,2}\Z"
)
_ALMOST = 0.7
_SURE = 0.75
"""Share of the characters beyond ASCII that have to be a language's."""
_PUNCTUATION = "’‘“”„–—…«»€£°§·´²³½¼©®™•\u00a0№、。，！？「」（）：；・ー"
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ"
_GREEK = "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"
_KANJI = (
    "日一国会人年大本中長出時事自行社見月分後前生間対上部東者地合市業内方定今回新場金入立開手力学問高代明実円関子"
    "動全目表経通外最言現理調体化当約主題下意法不来作性的要用度務強気小成期平思家話世多続進正安保数記女心界点教書"
    "活先得解名面文重近考画売利知道信集物使求所次水品私語良悪映終退屈"
)
_HANZI = (
    "的一是不了在人有我他这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于"
    "心学么之都好看起发当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回"
    "位分爱老因很给名法间斯知世什两次使身者被高已亲其进此话常与活正感房服务价格太贵推荐"
)
_HANZI_TAIWAN = (
    "的一是不了在人有我他這個上們來到時大地為子中你說生國年著就那和要她出也得里後自以會家可下而過天去能對小多然於"
    "心學麼之都好看起發當沒成只如事把還用第樣道想作種開美總從無情己面最女但現前些所同日手又行意動方期它頭經長兒回"
    "位分愛老因很給名法間斯知世什兩次使身者被高已親其進此話常與活正感房服務價格太貴推薦"
)


@dataclass(frozen=True)
class _Language:
    """Letters beyond ASCII by which a text in one of these encodings is known, likeliest first."""

    name: str
    encodings: str
    letters: str
    script: str = "Latin"


_LANGUAGES = (
    _Language("French", "cp1252 mac-roman cp850", "àâçèéêëîïôùûüœæ"),
    _Language("German", "cp1252 mac-roman cp850", "äöüß"),
    _Language("Spanish", "cp1252 mac-roman cp850", "áéíñóúü¿¡ºª"),
    _Language("Portuguese", "cp1252 mac-roman cp850", "áâãàçéêíóôõúºª"),
    _Language("Italian", "cp1252 mac-roman cp850", "àèéìòù"),
    _Language("a Nordic language", "cp1252 mac-roman cp850", "åäöæøéþðáíóúý"),
    _Language("Polish", "cp1250 iso8859-2", "ąćęłńóśźż"),
    _Language("Czech or Slovak", "cp1250 iso8859-2", "áčďéěíňóřšťúůýžäľĺŕô"),
    _Language("Hungarian", "cp1250 iso8859-2", "áéíóöőúüű"),
    _Language("Romanian", "cp1250 iso8859-2", "ăâîşţșț"),
    _Language("a South Slavic language", "cp1250 iso8859-2", "čćđšž"),
    _Language("Turkish", "cp1254", "çğıöşüâîû"),
    _Language("a Baltic language", "cp1257", "āčēģīķļņšūžąęėįųõäöü"),
    _Language("Russian or Ukrainian", "cp1251 koi8-r cp866 iso8859-5", _CYRILLIC, "Cyrillic"),
    _Language("Greek", "cp1253", _GREEK, "Greek"),
    _Language("Hebrew", "cp1255", "".join(map(chr, range(0x5D0, 0x5EB))), "Hebrew"),
    _Language("Arabic", "cp1256", "".join(map(chr, range(0x621, 0x653))), "Arabic"),
    _Language("Thai", "cp874", "".join(map(chr, range(0xE01, 0xE4F))), "Thai"),
    _Language("Japanese", "cp932 euc_jp", "".join(map(chr, range(0x3041, 0x30FB))) + _KANJI, "CJK"),
    _Language("Chinese", "gb18030", _HANZI, "CJK"),
    _Language("Chinese", "big5", _HANZI_TAIWAN, "CJK"),
    _Language("Korean", "cp949", "".join(map(chr, range(0xAC00, 0xD7A4))), "Hangul"),
)
_OUT_OF_USE = {"mac-roman": 0.9, "cp850": 0.9}
"""What the share counts of encodings that few files are written in today."""
_RARE_SIGN = 0.6
"""What an ideograph counts that is not among a language's common ones."""


def check_is_text(name: str, content: bytes) -> None:
    """Raises DataError for a file of a known kind that is no text, and for a page of HTML."""
    found = next((what for mark, what in FOREIGN_MARKS.items() if content.startswith(mark)), "")
    if not found and _MARKUP.match(content[:200]):
        found = "a web page (HTML or XML)"
    if found:
        raise not_a_table(name, found)


def not_a_table(name: str, found: str) -> DataError:
    """The error for a file that holds something else than rows."""
    return DataError(
        f"'{name}' holds {found}. A table is needed: save it as CSV in UTF-8, as JSON lines, or as "
        "Parquet."
    )


def find_encoding(name: str, content: bytes, asked: str | None = None) -> tuple[str, str]:
    """A codec in which the whole file can be read, and why it was taken.

    Args:
        name: The file's, for errors.
        content: The file.
        asked: Take this one.

    Raises:
        DataError: If the file is no text, is damaged UTF-8, or can't be read in what was asked.
    """
    if asked:
        problem = _problem(content, asked)
        if problem:
            raise not_in(name, asked, problem, content)
        return asked, f"{asked}: as you chose."
    for mark, codec in _MARKS.items():
        if content.startswith(mark):
            if problem := _problem(content, codec):
                raise not_in(name, codec, problem, content)
            return codec, f"{codec}: the file begins with its byte order mark."
    if b"\0" in content:
        return _wide(name, content)
    problem = _problem(content, "utf-8")
    if problem is None:
        beyond = "" if content.isascii() else ", those beyond ASCII too"
        return "utf-8", f"utf-8: every byte of the file fits{beyond}."
    if _is_damaged_utf8(content, problem.start):
        raise not_in(name, "utf-8", problem, content)
    return _old(name, content, problem.start)


def not_in(name: str, codec: str, error: UnicodeDecodeError, content: bytes) -> DataError:
    """The error for bytes that are no text in an encoding."""
    line = content.count(b"\n", 0, error.start) + 1
    shown = codec.upper() if codec.startswith("utf") else codec
    return DataError(
        f"'{name}' is not {shown}: byte {error.start:,} (line {line}) is no valid character. "
        "Choose its encoding, or save it as UTF-8 and try again."
    )


def _problem(content: bytes, codec: str) -> UnicodeDecodeError | None:
    """What can't be decoded, with its place in the file; None if all can."""
    decoder = codecs.getincrementaldecoder(codec)()
    for start in range(0, len(content), _CHUNK):
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(content[start : start + _CHUNK], start + _CHUNK >= len(content))
        except UnicodeDecodeError as error:
            place = max(start - kept + error.start, 0)
            return UnicodeDecodeError(codec, content[:1], place, place + 1, error.reason)
        except UnicodeError as error:  # such as UTF-16 without its mark
            return UnicodeDecodeError(codec, content[:1], start, start + 1, str(error))
    return None


def _is_damaged_utf8(content: bytes, first: int) -> bool:
    """Whether around the first fault most bytes beyond ASCII stand as those of UTF-8 do."""
    near = content[max(0, first - _CHUNK) : first + _CHUNK]
    beyond = len(near) - len(near.translate(None, bytes(range(128, 256))))
    like = sum(len(found) for found in _LIKE_UTF8.findall(near))
    return like >= _ALMOST * beyond


def _wide(name: str, content: bytes) -> tuple[str, str]:
    """UTF-16 or UTF-32 without a byte order mark: known by what the characters then are."""
    best, most = "", 0
    for codec in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        try:
            text = codecs.getincrementaldecoder(codec)().decode(content[:_HEAD])
        except UnicodeDecodeError:
            continue
        marks = sum(text.count(mark) for mark in "\n\r,;\t")
        if marks > most and not _CONTROLS.search(text) and _assigned(text):
            best, most = codec, marks
    if not best or _problem(content, best):
        raise not_a_table(name, "binary data (bytes that are no text)")
    return best, f"{best}: without a byte order mark; every second byte is what it has to be."


def _assigned(text: str) -> bool:
    return not any(unicodedata.category(sign) in ("Cn", "Co", "Cs") for sign in {*text})


def _old(name: str, content: bytes, first: int) -> tuple[str, str]:
    """An encoding from before Unicode."""
    sample = b"\n".join(_lines_beyond_ascii(content, first))
    if len(_CONTROLS.findall(sample.decode("latin-1"))) > _MOST_CONTROLS * len(sample):
        raise not_a_table(name, "binary data (bytes that are no text)")
    found = sorted(_fits(sample), key=lambda fit: -fit[0])
    if not found or found[0][0] < _SURE:
        found = [*_asked_of_library(sample), *found]
    for share, codec, language in found:
        if _problem(content, codec) is None:
            sure = f"{share:.0%} of what is beyond ASCII reads as {language}"
            return codec, f"{codec}: {sure if language else 'a guess'}; look at the rows."
    return "latin-1", "latin-1: a guess, since nothing fits well; look at the rows."


def _lines_beyond_ascii(content: bytes, first: int) -> Iterator[bytes]:
    start = content.rfind(b"\n", 0, first) + 1
    for number, line in enumerate(re.finditer(rb"[^\n\r]*[\x80-\xff][^\n\r]*", content[start:])):
        if number == _MOST_LINES:
            return
        yield line[0][:1000]


def _fits(sample: bytes) -> Iterator[tuple[float, str, str]]:
    """How well each encoding fits each of its languages, from 0 to 1."""
    for language in _LANGUAGES:
        for codec in language.encodings.split():
            try:
                text = sample.decode(codec)
            except UnicodeDecodeError:
                continue
            yield _share(text, language) * _OUT_OF_USE.get(codec, 1.0), codec, language.name


def _share(text: str, language: _Language) -> float:
    """Share of the characters beyond ASCII that this language writes, as it writes them."""
    letters, points, number = {*language.letters}, 0.0, 0
    before = " "
    for sign in text:
        if not sign.isascii():
            number += 1
            foreign = language.script != "Latin" and before.isascii() and before.isalpha()
            inner = sign.isupper() and before.islower()
            if sign.lower() in letters and not inner and not (foreign and language.script != "CJK"):
                points += 1.0 if sign.lower() == sign else 0.8
            elif sign in _PUNCTUATION and not (before.isalpha() and sign in "ー・"):
                points += 1.0
            elif language.script == "CJK" and "\u4e00" <= sign <= "\u9fff":
                points += _RARE_SIGN
        before = sign
    return points / max(number, 1)


def _asked_of_library(sample: bytes) -> Iterator[tuple[float, str, str]]:
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=[*ENCODINGS]).best()
    for codec in ENCODINGS:
        if best is not None and codecs.lookup(codec) == codecs.lookup(best.encoding):
            yield 1.0 - best.chaos, codec, ""
