"""Ordinary pages without a captcha: galleries, shops, pickers, games, forms. Name → body."""

from __future__ import annotations

from collections.abc import Iterable


def _grid(items: Iterable[str], cols: int = 3, px: int = 120) -> str:
    style = f"display:grid;grid-template-columns:repeat({cols},{px}px);gap:8px"
    return f'<div style="{style}">{"".join(items)}</div>'


def _images(count: int, px: int = 120, more: str = "") -> list[str]:
    return [
        f'<img src="/photo/{n * 7 % 58}.webp" width={px} height={px} {more}>' for n in range(count)
    ]


def _links(images: Iterable[str]) -> list[str]:
    return [f'<a href="/item/{n}">{image}</a>' for n, image in enumerate(images)]


def _cards(names: str, images: Iterable[str], foot: str = "") -> list[str]:
    return [
        f"<div style='cursor:pointer'>{image}<p>{name}</p>{foot}</div>"
        for name, image in zip(names.split(","), images, strict=False)
    ]


_BOXES = "style='cursor:pointer'"
_FRUIT = "Apple,Peach,Plum,Cherry,Lemon,Melon,Grape,Kiwi,Fig"

PAGES = {
    "gallery": f"<h1>Our latest photos</h1>{_grid(_images(9))}",
    "gallery-links": f"<h1>Select a picture to enlarge it</h1>{_grid(_links(_images(12)), 4)}",
    "shop": "<h1>Choose a lamp</h1>"
    + _grid(_cards(_FRUIT, _images(9), "<b>19 EUR</b><button>Add to cart</button>")),
    "fruit-shop": f"<h2>Select all fruit you like</h2>{_grid(_cards(_FRUIT, _images(9)))}<button>Continue</button>",
    "cars": "<h2>Select your car</h2>"
    + _grid(_cards("Compact,Family,Van,Sport,Cabrio,Truck", _images(6)))
    + "<button>Next</button>",
    "categories": f"<h2>Shop by category</h2>{_grid(_cards('Home,Garden,Kids,Pets,Tools,Toys', _images(6)))}",
    "logos": f"<p>Trusted by teams everywhere</p>{_grid(_images(6, 80), 6, 80)}",
    "team": f"<h1>The team</h1>{_grid(_cards('Ada,Bob,Cem,Dia,Eva,Fay', _images(6)))}",
    "avatars": f"<h2>Choose your avatar</h2>{_grid(_images(9, 90, _BOXES), 3, 90)}<button>Continue</button>",
    "avatar-upload": "<h2>Choose a picture for your profile</h2><input type=file>"
    + _grid(_images(4, 100, _BOXES), 4, 100)
    + "<button>Save</button>",
    "upload": f"<h1>Upload your photos</h1><input type=file multiple>{_grid(_images(6))}<button>Submit</button>",
    "photo-manager": "<h1>My photos</h1><p>Select all photos</p>"
    + _grid([f"<label>{image}<input type=checkbox></label>" for image in _images(9)])
    + "<button>Delete</button><button>Share</button>",
    "download": f"<p>Select the images that you want to download</p>{_grid(_images(9, 120, _BOXES))}<button>Download</button>",
    "wallpapers": f"<h2>Pick a wallpaper</h2>{_grid(_images(8, 140, _BOXES), 4, 140)}<button>Done</button>",
    "flags": f"<p>Select your country</p>{_grid(_images(12, 48, _BOXES), 6, 48)}<button>OK</button>",
    "payment": "<p>Choose how to pay</p>"
    + "".join(f"<label><input type=radio name=p>{image}</label>" for image in _images(4, 60))
    + "<button>Continue</button>",
    "swatches": "<p>Select a colour</p>"
    + _grid([f"<button style='height:60px;background:hsl({n * 40} 80% 50%)'></button>" for n in range(9)], 3, 60)
    + "<button>Add to cart</button>",
    "keypad": "<p>Enter your PIN</p>" + _grid([f"<button>{n}</button>" for n in range(1, 10)], 3, 60) + "<button>OK</button>",
    "calendar": "<p>Pick a date</p>" + _grid([f"<button>{n}</button>" for n in range(1, 29)], 7, 44) + "<button>Done</button>",
    "seats": "<p>Choose your seats</p>" + _grid(["<button style='height:40px'></button>"] * 20, 5, 44) + "<button>Continue</button>",
    "memory": f"<h1>Memory</h1><p>Find all pairs</p>{_grid([f'<button>{image}</button>' for image in _images(16, 70)], 4, 90)}<button>New game</button>",
    "chess": "<h1>White to move</h1>" + _grid([f"<span style='cursor:pointer'>{image}</span>" for image in _images(36, 50)], 6, 50),
    "emoji": "<p>Add a reaction</p>" + _grid([f"<button>{mark}</button>" for mark in "😀😁😂😍😎😭👍👎🎉"], 3, 40),
    "toolbar": "<p>Format</p>" + "".join(f"<button title=Tool{n}>{image}</button>" for n, image in enumerate(_images(8, 24))),
    "map": "<h1>Find us</h1><p>Click on the map to see more</p>" + _grid(_images(9, 160, "style='cursor:grab'"), 3, 160),
    "weather": f"<h1>Lisbon</h1><p>The next days</p>{_grid(_cards('Mon,Tue,Wed,Thu,Fri,Sat', _images(6, 60)), 6, 80)}",
    "dashboard": "<h1>Sales</h1>" + _grid(["<canvas width=200 height=150></canvas>"] * 6, 3, 200) + "<button>Refresh</button>",
    "blog-on-captchas": "<h1>How captchas work</h1><p>You know them: “Select all images with traffic lights”. "
    f"They look like this:</p>{_images(1, 300)[0]}<p>Nine pictures, and a person has to look at each of them.</p><a href=/next>Next article</a>",
    "feed": "".join(f"<article><img src=/photo/{n}.webp width=40><b>Ada</b><p>Look at this!</p>{image}<button>Like</button></article>" for n, image in enumerate(_images(4, 300))),
    "videos": f"<h2>Watch next</h2>{_grid(_links(_cards('One,Two,Three,Four,Five,Six', _images(6, 160))), 3, 160)}",
    "recipes": f"<h1>What do you want to cook?</h1>{_grid(_cards('Soup,Pasta,Rice,Salad,Cake,Bread', _images(6)))}<button>Show more</button>",
    "pets": "<h1>Find a dog</h1><p>Click on a dog to meet it</p>" + _grid(_cards("Rex,Lola,Milo,Kira,Tom,Bo", _images(6))) + "<button>Search</button>",
    "poll": "<p>Which logo do you like best?</p>" + "".join(f"<label><input type=radio name=l>{image} Logo {name}</label>" for name, image in zip(("Sun", "Moon", "Star"), _images(3), strict=True)) + "<button>Vote</button>",
    "quiz": "<p>Which of these animals lays eggs?</p>" + "".join(f"<p><label><input type=radio name=q>{n}</label></p>" for n in ("Dog", "Hen", "Cat")) + "<button>Answer</button>",
    "sign-in": "<h1>Sign in</h1><input placeholder=E-mail><input type=password placeholder=Password><label><input type=checkbox> Remember me</label><button>Continue</button>",
    "two-factor": "<h1>Check your phone</h1><p>Enter the code that we have sent you</p><input><button>Verify</button>",
    "coupon": f"{_images(1, 200)[0]}<h2>Lamp</h2><label>Enter the code of your coupon <input></label><button>Apply</button>",
    "guests": f"{_images(1, 300)[0]}<p>How many guests?</p><input type=number><button>Book</button>",
    "price": "<p>Drag the handles to set your price</p><input type=range>" + _grid(_cards(_FRUIT, _images(9))),
    "cropper": f"<h2>Edit your photo</h2>{_images(1, 400)[0]}<input type=range><button>Crop</button><button>Save</button>",
    "verified": "<h1>Ada <span>Verified</span></h1><p>Your e-mail was verified. Thank you!</p>" + _images(1, 120)[0],
    "newsletter": "<h2>Stay in touch</h2><input placeholder=E-mail><label><input type=checkbox> I agree to the terms</label><button>Submit</button>",
    "cookies": f"<h1>News</h1>{_grid(_links(_images(6)))}<div style='position:fixed;bottom:0;background:#eee'>We use cookies. <button>Accept all</button><button>Select</button></div>",
    "characters": f"<h1>Select your hero</h1>{_grid(_images(10, 100, _BOXES), 5, 100)}<button>Start game</button>",
    "kanban": "<h1>Board</h1>" + _grid([f"<div draggable=true style='border:1px solid'>Task {n}<img src=/photo/{n}.webp width=30></div>" for n in range(9)]),
    "files": f"<h1>Files</h1><p>Select items to move</p>{_grid([f'<div {_BOXES}>{image}file-{n}.txt</div>' for n, image in enumerate(_images(12, 64))], 4, 90)}<button>Move</button>",
}  # fmt: skip

_PAD = "<p>To prove that you are no robot:</p>"

UNSUPPORTED = {
    "text": f"{_images(1, 200)[0]}<p>Type the characters you see in the image</p><input><button>Submit</button>",
    "arithmetic": f"{_PAD}<p>Please solve the equation: 3 + 4 =</p><input><button>Check</button>",
    "slider": f"{_images(1, 300)[0]}<p>Slide to complete the picture</p><div role=slider tabindex=0 style='width:40px;height:40px'></div>",
    "rotation": f"{_images(1, 200)[0]}<p>Rotate the animal until it stands upright</p><button>↺</button><button>↻</button>",
    "puzzle": f"{_PAD}<p>Drag the piece to where it belongs</p>{_images(1, 300)[0]}{_images(1, 60)[0]}",
    "order": f"{_PAD}<p>Click all pictures in the following order: bus, car, cat</p>{_grid(_images(6, 100, _BOXES))}<button>Verify</button>",
    "count": f"{_PAD}<p>How many dogs are in this picture?</p>{_images(1, 300)[0]}<input><button>Verify</button>",
    "comparison": f"{_PAD}<p>Click the picture that does not belong</p>{_grid(_images(6, 100, _BOXES))}<button>Verify</button>",
    "audio": f"{_PAD}<p>Listen to the recording and type what you hear</p><audio controls></audio><input><button>Verify</button>",
    "work": "<h1>Shop</h1><p>Checking your browser before you go on. This keeps bots away.</p>",
}  # fmt: skip
