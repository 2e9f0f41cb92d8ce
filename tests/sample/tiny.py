"""A press of four short articles, so that reading and serving can be tested apart from the shipped one."""

from __future__ import annotations

from pathlib import Path

FERRY = """+++
id = 7
slug = "pha-ben-cu"
section = "thoi-su"
edition = 1
published = 2026-03-02T07:15:00+07:00
title = "Phà Bến Cũ & 2 < 3 chuyến"
lead = "Bến phà tăng chuyến."
authors = ["Lê Thu Hà"]
dateline = "ST - "
tags = ["Bến Cũ"]

[[updates]]
edition = 3
modified = 2026-03-04T09:00:00+07:00
title = "Phà Bến Cũ tăng 5 chuyến"
append = \"\"\"
Đoạn thêm vào hôm sau.
\"\"\"
+++
Người dân Bến Cũ đi phà
mỗi ngày.

## Giá vé

![Phà cập bến. Ảnh: Trần Bình]

- xe đạp
- xe máy

| Loại | Giá |
| Xe máy | 8.000 |
"""

REPRINT = """+++
id = 21
slug = "them-chuyen-pha"
section = "doi-song"
edition = 2
published = 2026-03-03T10:00:00+07:00
title = "Thêm chuyến phà"
lead = "Bà con đi lại dễ hơn."
source_credit = "Theo Báo Sông Thương"
reprint_of = "songthuong/7"
nfd = true
+++
"""

SEED_REPRINT = """+++
id = 301
slug = "cum-thi-dua"
section = "thoi-su"
edition = 1
published = 2026-03-02T21:25:00+07:00
title = "Cụm thi đua họp"
lead = "Hội nghị sơ kết."
dateline = "(Bình Minh) - "
reprint_of_seed = "0a1b2c3d4e5f6071"
+++
"""

BRIEF = """+++
id = 22
slug = "tin-vui"
section = "nong-nghiep"
edition = 1
published = 2026-03-02T05:00:00+07:00
title = "Tin vui"
+++
Một tin ngắn.
"""

SEED = (
    "Thứ Ba, 13/07/2021, 14:33 [GMT+7]\n\nCụm thi đua số 9: Sơ kết phong trào\n\n"
    "0:00 / 0:00\n  • Nam miền Bắc\n(Vungcao.example)-Sáng 13/7, cụm họp.\n\n"
    "Toàn cảnh hội nghị\nToàn cảnh hội nghị\n\nĐơn vị A dẫn đầu “năm thứ hai.”\n\n.\n\nĐ. Thắng"
)

FILES = {
    "press/songthuong/7-pha-ben-cu.md": FERRY,
    "press/dongque/21-them-chuyen-pha.md": REPRINT,
    "press/dongque/22-tin-vui.md": BRIEF,
    "press/binhminh/301-cum-thi-dua.md": SEED_REPRINT,
    "seeds/000_0a1b2c3d4e5f6071.txt": SEED,
}


def write(folder: Path, changed: dict[str, str] | None = None) -> tuple[Path, Path]:
    """Write the press, with some files changed or added; returns the folders of articles and seeds."""
    for name, text in {**FILES, **(changed or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "press", folder / "seeds"
