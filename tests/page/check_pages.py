#!/usr/bin/env python3
"""Drives heed's pages in a real browser. For maintainers: heed's build and tests need none of this.

    check_pages.py --bin build/release/bin [--data DIR] [--shots DIR] [--only logits,pages,keyboard,live,speed]

makes pages with char_gpt, translate and tasks and, if DIR holds stories260K.bin and tok512.bin, with llama; then:

  logits    the live page's equal those of heed's programs for 100 random prompts, with the weights that the page has
  pages     no console message, no request, no violation that axe-core finds: every view, 1280x800 and 390x844, light and
            dark; --shots keeps a picture of each
  keyboard  every view is reached and used by keys alone
  live      what is typed, taken, changed, patched and recorded in the address of a live page
  speed     milliseconds per keystroke; size and time to interactive of pages of 12 x 12 x 64 and 32 x 32 x 128

It needs selenium, axe-selenium-python, numpy, safetensors, and the programs chromium and chromedriver.
"""
import argparse
import base64
import json
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np

failures = 0


def report(good, words):
    global failures
    failures += not good
    print(("ok    " if good else "FAIL  ") + words, flush=True)


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    return done.stdout


# --- Browser ---------------------------------------------------------------------------------------


class Browser:
    def __init__(self, width=1280, height=800, dark=False):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_script_timeout(300)
        self.shape(width, height, dark)

    def shape(self, width, height, dark):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def open(self, file, state=""):
        self.driver.get("about:blank")
        self.driver.get(pathlib.Path(file).resolve().as_uri() + state)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def settle(self):
        time.sleep(0.35)

    def keys(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def complaints(self):
        """Console messages, and requests for anything but the page itself."""
        found = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith(("file:", "about:", "data:")):
                    found.append("request: " + url)
        return found


# --- Pages -----------------------------------------------------------------------------------------


def make_pages(bin_dir, data, folder):
    pages = {}
    run(bin_dir / "char_gpt", "--steps", 200, "--out", folder / "char", "--quiet",
        *(["--text", data / "tinyshakespeare.txt"] if data else []))
    pages["char_gpt live"] = folder / "char/model.html"
    pages["char_gpt"] = folder / "char/attention.html"
    run(bin_dir / "translate", "--steps", 60, "--out", folder / "translate", "--quiet")
    pages["translate"] = folder / "translate/attention.html"
    run(bin_dir / "tasks", "reverse", "--steps", 60, "--out", folder / "tasks", "--quiet")
    pages["tasks"] = folder / "tasks/attention.html"
    if data:
        run(bin_dir / "llama", "--model", data / "stories260K.bin", "--tokenizer", data / "tok512.bin", "--steps", 1,
            "--prompt", "Once upon a time, there was a little girl named Lily. Lily", "--page", folder / "llama.html",
            "--quiet")
        pages["llama live"] = folder / "llama.html"
    return pages


def page_data(file):
    text = pathlib.Path(file).read_text()
    return json.loads(re.search(r'id="data">\n(.*?)\n</script>', text, re.S).group(1))


def page_tensors(data):
    """The weights that a page has, as its JavaScript reads them."""
    tensors = {}
    for name, stored in data["tensors"].items():
        raw = base64.b64decode(stored["data"])
        if "scales" in stored:
            scales = np.frombuffer(base64.b64decode(stored["scales"]), "<f4")
            tensors[name] = (scales[:, None] * np.frombuffer(raw, np.int8).reshape(stored["shape"])).astype("<f4")
        else:
            tensors[name] = np.frombuffer(raw, "<f4").reshape(stored["shape"]).copy()
    return tensors


# --- Logits ----------------------------------------------------------------------------------------


def save_llama2c(file, data, tensors):
    sizes = data["sizes"]
    tied = "lm_head.weight" not in tensors
    header = struct.pack("<7i", sizes["width"], sizes["hidden"], sizes["layers"], sizes["heads"], sizes["kvHeads"],
                         sizes["vocab"] if tied else -sizes["vocab"], sizes["context"])
    per_layer = lambda name: [tensors[f"model.layers.{l}.{name}.weight"] for l in range(sizes["layers"])]
    parts = [tensors["model.embed_tokens.weight"], *per_layer("input_layernorm")]
    for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
        parts += per_layer("self_attn." + name)
    parts += [*per_layer("post_attention_layernorm"), *per_layer("mlp.gate_proj"), *per_layer("mlp.down_proj"),
              *per_layer("mlp.up_proj"), tensors["model.norm.weight"],
              np.zeros(sizes["context"] * sizes["headWidth"], "<f4")]
    if not tied:
        parts.append(tensors["lm_head.weight"])
    pathlib.Path(file).write_bytes(header + b"".join(np.ascontiguousarray(p, "<f4").tobytes() for p in parts))


def program_for(name, page, bin_dir, data_dir, folder):
    """A command that computes with the page's weights."""
    data = page_data(page)
    tensors = page_tensors(data)
    if data["sizes"]["kind"] == "llama":
        save_llama2c(folder / "page.bin", data, tensors)
        return [bin_dir / "llama", "--model", folder / "page.bin", "--tokenizer", data_dir / "tok512.bin"]
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(page.parent / "model.safetensors", "np") as file:
        metadata, names = file.metadata(), set(file.keys())
    if "wte.weight" not in names:  # tied: under its other name
        tensors["lm_head.weight"] = tensors.pop("wte.weight")
    save_file(tensors, folder / "page.safetensors", metadata)
    return [bin_dir / "gpt2", "--model", folder / "page.safetensors"]


def check_logits(browser, name, page, bin_dir, data_dir, folder, count=100):
    command = program_for(name, page, bin_dir, data_dir, folder)
    data = page_data(page)
    rng = random.Random(1)
    letters = [c for c in data["names"] if len(c) == 1 and c.isprintable()]
    words = ["Once", "upon", "a", "time", "the", "dog's", "12", "Lily", "said,", "\n", "naïve", "日本", "KING:"]
    worst = 0.0
    browser.open(page)
    for k in range(count):
        if data["sizes"]["kind"] == "gpt":
            prompt = "".join(rng.choice(letters) for _ in range(rng.randint(1, min(60, data["sizes"]["context"] - 2))))
        else:
            prompt = " ".join(rng.choice(words) for _ in range(rng.randint(1, 25)))
        run(*command, "--steps", 1, "--temperature", 0, "--prompt", prompt, "--logits", folder / "logits.npy", "--quiet")
        wanted = np.load(folder / "logits.npy")
        found = np.array(browser.js(
            """const pass = new Pass(model), ids = [...page.begin, ...tokeniser.encode(arguments[0]).ids];
               pass.read(ids);
               return ids.map((id, i) => Array.from(pass.logits(i)));""", prompt))
        if found.shape != wanted.shape:
            return report(False, f"{name}: {prompt!r}: {found.shape[0]} tokens, and {wanted.shape[0]} by heed")
        worst = max(worst, float(np.abs(found - wanted).max()))
    report(worst < 1e-4, f"{name}: logits of {count} random prompts differ from heed's by {worst:.1e} at most")


# --- Every view ------------------------------------------------------------------------------------


def check_page(browser, name, page, shots):
    from axe_selenium_python import Axe

    for width, height, dark in ((1280, 800, False), (1280, 800, True), (390, 844, False), (390, 844, True)):
        browser.shape(width, height, dark)
        browser.complaints()
        browser.open(page)
        browser.settle()
        views = browser.js("return Object.keys(views)")
        bad = []
        for view in views:
            browser.js("show({view: arguments[0]})", view)
            browser.settle()
            if shots:
                kind = f"{width}_{'dark' if dark else 'light'}"
                browser.driver.save_screenshot(str(shots / f"{name.replace(' ', '_')}_{view}_{kind}.png"))
            wide = browser.js("return document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                bad.append(f"{view}: {wide} pixels too wide")
            axe = Axe(browser.driver)
            axe.inject()
            for violation in axe.run()["violations"]:
                bad.append(f"{view}: {violation['id']}: {violation['nodes'][0]['html'][:120]}")
        bad += browser.complaints()
        report(not bad, f"{name}, {width}x{height}, {'dark' if dark else 'light'}: {len(views)} views"
               + "".join("\n        " + b for b in bad[:12]))


# --- Keyboard --------------------------------------------------------------------------------------


def check_keyboard(browser, name, page):
    from selenium.webdriver.common.keys import Keys

    browser.shape(1280, 800, False)
    browser.open(page)
    browser.settle()
    focus = lambda: browser.js("const e = document.activeElement; return [e.id, e.className, e.getAttribute('role') || e.tagName]")
    status = lambda: browser.js("return document.getElementById('status').textContent")
    for _ in range(40):
        browser.keys(Keys.TAB)
        if focus()[2] == "tab":
            break
    report(focus()[2] == "tab", f"{name}: Tab reaches the views")
    views = browser.js("return Object.keys(views)")
    for _ in views:
        here = focus()[0].removeprefix("tab-")
        browser.settle()
        said, heard = status(), set()
        seen = set()
        for _ in range(60):  # through everything of the view, with arrow keys at each stop
            browser.keys(Keys.TAB)
            stop = browser.js("""const e = document.activeElement, inside = document.getElementById('view').contains(e);
                                 return [inside, e.tagName + ' ' + e.className + ' ' + e.getAttribute('aria-label')]""")
            if stop[0]:
                seen.add(stop[1])
                for key in (Keys.ARROW_UP, Keys.ARROW_LEFT, Keys.ARROW_DOWN, Keys.ARROW_RIGHT):
                    browser.keys(key)
                    heard.add(status())
            elif seen:
                break
        report(len(seen) > 0 and len(heard - {said}) > 0,
               f"{name}: {here}: {len(seen)} stops, and the status line follows the arrow keys")
        browser.js("document.getElementById('tab-' + state.view).focus()")
        browser.keys(Keys.ARROW_RIGHT)
    if "live" not in name:
        return
    browser.js("show({view: 'model'}); document.querySelector('.thumb[tabindex=\"0\"]').focus()")
    before = browser.js("return document.getElementById('bars').textContent")
    browser.keys("x")
    browser.settle()
    after = browser.js("return document.getElementById('bars').textContent")
    report(before != after and browser.js("return live.scale.size") == 1, f"{name}: x switches a head off: other probabilities")
    browser.keys("x")
    browser.settle()
    report(browser.js("return document.getElementById('bars').textContent") == before, f"{name}: and on again: the same ones")
    browser.keys(Keys.ENTER)
    report(browser.js("return state.view") == "head", f"{name}: Enter on a head shows its lines")


# --- What is typed, taken and changed ----------------------------------------------------------------


def check_live(browser, name, page):
    browser.shape(1280, 800, False)
    browser.open(page, "#view=lens&text=the%20cat&temperature=0&topk=5&scale=0.1:0.5&other=the%20dog&patch=1.2")
    browser.settle()
    text = lambda: browser.js("return document.getElementById('text').value")
    click = lambda id: browser.js("document.getElementById(arguments[0]).click()", id)
    report(text() == "the cat" and browser.js("return [live.scale.get('0 1'), live.isPatched(1, 2), state.view, live.topK]")
           == [0.5, True, "lens", 5], f"{name}: an address brings back text, view and changes")
    hidden = lambda: browser.js("return document.getElementById('changes').hidden")
    changed = hidden()
    click("restore")
    report(not changed and hidden() and browser.js("return live.pass() === live.plain"), f"{name}: the model can be restored")
    best = browser.js("return tokeniser.decode([...live.tokens, likeliest(logitsNow(live.plain), 1)[0]])")
    click("step")
    report(text() == best, f"{name}: at temperature 0 the next token is the likeliest")
    click("undo")
    report(text() == "the cat", f"{name}: and can be taken back")
    click("run")
    time.sleep(1.5)
    click("run")
    written = text()
    time.sleep(0.4)
    report(len(written) > len("the cat") + 3 and text() == written, f"{name}: it writes on, and stops")
    browser.js("show({view: 'patch'}); document.querySelector('#other').value = 'the dog';"
               "document.getElementById('text').value = 'the cat'; typed('the cat'); live.setOther('the dog');"
               "[...document.querySelectorAll('button')].find(b => b.textContent === 'Try every cell').click()")
    for _ in range(100):
        time.sleep(0.05)
        if browser.js("return Boolean(views.patch.sweep)"):
            break
    alike = browser.js("""
        const {found} = views.patch.sweep, n = live.plain.ids.length, target = views.patch.target(), p = probabilities;
        const gained = p(live.other.logits(live.other.ids.length - 1))[target] - p(live.plain.logits(n - 1))[target];
        return Math.abs(found.get(model.layers + ' ' + (n - 1)) - gained) < 1e-6 && found.size > model.layers;""")
    report(alike, f"{name}: to patch the last vector gives the other text's probability")
    browser.js("scaleHead(0, 0, 0)")
    browser.settle()
    address = browser.js("return location.hash")
    report("text=the%20cat" in address and "scale=0.0:0" in address and "view=patch" in address,
           f"{name}: the address records them: {address}")
    complaints = browser.complaints()
    report(not complaints, f"{name}: nothing on the console {complaints}")


# --- Speed -----------------------------------------------------------------------------------------


def check_keystrokes(browser, name, page):
    browser.shape(1280, 800, False)
    browser.open(page)
    browser.settle()
    for view in browser.js("return Object.keys(views)"):
        times = browser.js("""
            show({view: arguments[0]});
            const area = document.getElementById('text'), times = [], words = 'the quick fox said that ';
            area.value = 'Once upon a time';
            for (let i = 0; i < 140; ++i) {
              area.value += words[i % words.length];
              const begun = performance.now();
              area.dispatchEvent(new Event('input'));
              document.body.getBoundingClientRect();
              times.push(performance.now() - begun);
            }
            return times.slice(10);""", view)
        ordered = sorted(times)
        report(ordered[len(ordered) // 2] < 50, f"{name}: {view}: {ordered[len(ordered) // 2]:.1f} ms a keystroke (median), "
               f"{ordered[int(len(ordered) * 0.95)]:.1f} (95 %), {ordered[-1]:.1f} (most)")
    browser.complaints()


def large_page(template, layers, heads, n, folder):
    rng = np.random.default_rng(0)
    i, j = np.indices((n, n))

    def head():
        scores = rng.normal(size=(n, n)) * (1 + 2 * rng.random()) + 6 * (i - j == rng.integers(0, 4))
        scores[i < j] = -np.inf
        e = np.exp(scores - scores.max(1, keepdims=True))
        w = e / e.sum(1, keepdims=True)
        step = w.max() / 255
        top = [[x for t in np.argsort(-row, kind="stable")[:5] for x in (int(t), float(f"{row[t]:.8g}"))] for row in w]
        return {"low": 0, "step": float(step), "top": top,
                "bytes": base64.b64encode(np.round(w[i >= j] / step).astype(np.uint8).tobytes()).decode()}

    tokens = [f"word{k % 29}" for k in range(n)]
    data = {"exact": False, "sets": [{"name": "self", "queries": tokens, "keys": tokens,
                                      "allowed": ["1" * (k + 1) + "0" * (n - k - 1) for k in range(n)],
                                      "layers": [[head() for _ in range(heads)] for _ in range(layers)]}]}
    text = template.read_text()
    begin = text.index('id="data">\n') + len('id="data">\n')
    file = folder / f"large_{layers}_{heads}_{n}.html"
    file.write_text(text[:begin] + json.dumps(data, separators=(",", ":")) + text[text.index("\n</script>", begin):])
    return file


def check_large(browser, template, folder, shots):
    browser.shape(1280, 800, False)
    for layers, heads, n in ((12, 12, 64), (32, 32, 128)):
        file = large_page(template, layers, heads, n, folder)
        browser.open(file)
        ready = browser.js("return Math.round(performance.getEntriesByType('navigation')[0].domInteractive)")
        slow = browser.js("""const begun = performance.now(); show({view: 'heat', heads: [1]}); document.body.getBoundingClientRect();
                             return performance.now() - begun;""")
        browser.js("show({view: 'model'})")
        for _ in range(400):
            time.sleep(0.05)
            if browser.js("return views.model.cells.flat().every(cell => cell.title)"):
                break
        everything = browser.js("return performance.now()")
        if shots:
            browser.driver.save_screenshot(str(shots / f"large_{layers}.png"))
        report(not browser.complaints(), f"{layers} x {heads} x {n}: {file.stat().st_size / 1e6:.1f} MB, interactive after "
               f"{ready} ms, another view in {slow:.0f} ms, all pictures after {everything:.0f} ms")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bin", type=pathlib.Path, required=True)
    arguments.add_argument("--data", type=pathlib.Path)
    arguments.add_argument("--shots", type=pathlib.Path)
    arguments.add_argument("--only", default="logits,pages,keyboard,live,speed")
    asked = arguments.parse_args()
    wanted = asked.only.split(",")
    if asked.shots:
        asked.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        pages = make_pages(asked.bin, asked.data, folder)
        for name, page in pages.items():
            print(f"{name}: {page.stat().st_size / 1e6:.2f} MB")
        browser = Browser()
        for name, page in pages.items():
            live = name.endswith("live")
            if live and "logits" in wanted:
                check_logits(browser, name, page, asked.bin, asked.data, folder)
            if "pages" in wanted:
                check_page(browser, name, page, asked.shots)
            if "keyboard" in wanted:
                check_keyboard(browser, name, page)
            if live and "live" in wanted:
                check_live(browser, name, page)
            if live and "speed" in wanted:
                check_keystrokes(browser, name, page)
        if "speed" in wanted:
            check_large(browser, pages["char_gpt"], folder, asked.shots)
        browser.driver.quit()
    print(f"{failures} failed" if failures else "all good")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
