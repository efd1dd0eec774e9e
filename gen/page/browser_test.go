package page

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/revmap/revmap/internal/peer"
)

var update = flag.Bool("update", false, "write the screenshots of docs/page.md")

// nowhere is a path where no page is.
const nowhere = "/nowhere"

// A chrome is a window of a real browser.
type chrome struct {
	*site
	ctx context.Context

	lock  sync.Mutex
	wrong []string // what the console has, and requests to others
}

// chrome opens a window of Chromium. When the test ends, nothing may be wrong.
func (s *site) chrome() *chrome {
	s.Helper()
	path := peer.Needs(s, "chromium")[0]
	c := &chrome{site: s}
	all, end := chromedp.NewExecAllocator(s.Context(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.WindowSize(1200, 800),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("force-prefers-reduced-motion", true),
	)
	s.Cleanup(end)
	var cancel context.CancelFunc
	c.ctx, cancel = chromedp.NewContext(all, chromedp.WithListener(c.listen))
	s.Cleanup(cancel)
	s.Cleanup(func() {
		c.lock.Lock()
		defer c.lock.Unlock()
		for _, w := range c.wrong {
			s.Error(w)
		}
	})
	return c
}

// listen is told of all that happens in the window.
func (c *chrome) listen(event any) {
	c.lock.Lock()
	defer c.lock.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		c.wrong = append(c.wrong, fmt.Sprintf("the console has: %s %v", e.Type, e.Args))
	case *runtime.EventExceptionThrown:
		c.wrong = append(c.wrong, "an exception: "+e.ExceptionDetails.Text+" "+fmt.Sprint(e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		if strings.HasSuffix(e.Entry.URL, nowhere) {
			return // it tells of the status
		}
		c.wrong = append(c.wrong, fmt.Sprintf("the log has: %s %s", e.Entry.Text, e.Entry.URL))
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, c.url+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			c.wrong = append(c.wrong, "a request to another host: "+e.Request.URL)
		}
	}
}

// do runs steps.
func (c *chrome) do(steps ...chromedp.Action[chromedp.Void]) {
	c.Helper()
	if err := chromedp.Do(c.ctx, steps...); err != nil {
		c.Fatal(err)
	}
}

func (c *chrome) open(path string) {
	c.Helper()
	c.do(chromedp.Navigate(c.url + path))
}

// eval returns the value of an expression as text.
func (c *chrome) eval(expression string) string {
	c.Helper()
	v, err := chromedp.Run(c.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		c.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until an expression is true. It may go on to another page meanwhile.
func (c *chrome) wait(expression string) {
	c.Helper()
	peer.Wait(c, func() bool {
		v, err := chromedp.Run(c.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		return err == nil && v
	}, func() string {
		return expression + " does not become true:\n" + c.eval("location.href + '\\n' + document.body.innerText")
	})
}

// sees waits until a text can be read in an element.
func (c *chrome) sees(selector, text string) {
	c.Helper()
	c.wait(fmt.Sprintf("[...document.querySelectorAll(%q)].some((e) => e.innerText.includes(%q))", selector, text))
}

// at waits until the page at a path is there.
func (c *chrome) at(path string) {
	c.Helper()
	c.wait(fmt.Sprintf("document.readyState === 'complete' && location.pathname === %q", path))
}

// press presses keys, as many as there are characters. What a key types comes after what it does, as from a keyboard: a
// key that opens a form is not typed into it.
func (c *chrome) press(keys string, modifiers ...chromedp.Modifier) {
	c.Helper()
	c.do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...), func(k *input.DispatchKeyEventParams) {
		if k.Type == kb.KeyDown {
			k.Type = kb.KeyRawDown
		}
	}))
}

// tabTo presses Tab until an element has the focus, which must be seen then.
func (c *chrome) tabTo(selector string) {
	c.Helper()
	for range 200 {
		if c.eval(fmt.Sprintf("document.activeElement.matches(%q)", selector)) == "true" {
			outline := c.eval("getComputedStyle(document.activeElement).outlineStyle")
			if outline == "none" {
				c.Errorf("%s does not show that it has the focus", selector)
			}
			return
		}
		c.press(kb.Tab)
	}
	c.Fatalf("Tab does not lead to %s", selector)
}

// shoot writes a screenshot of the window for docs/page.md, with -update.
func (c *chrome) shoot(name string) {
	c.Helper()
	if !*update {
		return
	}
	c.eval("document.activeElement.style.caretColor = 'transparent'") // it blinks
	picture, err := chromedp.Run(c.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		c.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("../../docs/page", name+".png"), picture, 0o644); err != nil {
		c.Fatal(err)
	}
}

// TestBrowser goes all the way, without a mouse: somebody signs in, finds an address, sees a finding while typing, and
// proposes another name. Then CoreDNS answers with it.
func TestBrowser(t *testing.T) {
	s := newSite(t, nil)
	c := s.chrome()
	c.do(chromedp.EmulateViewport(1200, 800))
	c.open("/?findings=1")
	c.at("/sign-in")
	c.wait(`document.activeElement.matches("#login")`)
	c.press("olga")
	c.tabTo("#password")
	c.press(passwordOf("olga") + kb.Enter)
	c.at("/")
	c.sees("caption", "3 addresses")
	c.open("/")
	c.shoot("list")

	// The list follows what is typed.
	c.press("/" + "crm examplaaa2")
	c.sees("#results", "No address matches")
	c.press("a", chromedp.ModifierCtrl)
	c.press("examplaaa2")
	c.sees("caption", "1 address")
	c.wait(`location.search === "?q=examplaaa2"`)
	c.open("/")

	// Names are edited where they are listed, and no row moves.
	c.tabTo(`[data-address="192.0.2.20"] a.edit`)
	below := `Math.round(document.querySelector('[data-address="192.0.2.30"]').getBoundingClientRect().top)`
	place := c.eval(below)
	c.press(kb.Enter)
	c.sees("#typed-says", "It has the default hostname, examplaaa2.miniserver.example.")
	c.press("vps-192-0-2-20.acme.example")
	c.sees("#typed-says:not(.asking)", `"vps-192-0-2-20.acme.example." looks generated: SpamAssassin RDNS_DYNAMIC fires`)
	if c.eval("document.querySelector('#typed-says').role") != "status" {
		t.Error("a screen reader is not told of findings")
	}
	c.sees("#typed-says", "name-generic")
	if now := c.eval(below); now != place {
		t.Errorf("a row moves from %s to %s", place, now)
	}
	if c.eval(`(() => {
		const width = (selector) => document.querySelector(selector).offsetWidth;
		return width("#typed-says ul") > 0.8 * width(".panel");
	})()`) != "true" {
		t.Error("findings have not the room that they could have")
	}
	c.shoot("finding")
	c.press(kb.Escape)
	c.wait(`document.activeElement.matches('[data-address="192.0.2.20"] a.edit') && !document.querySelector(".in-place")`)
	c.press(kb.Enter)
	c.press("www.bluebird.example")
	c.sees("#typed-says .error", `lies in no domain of account "acme"`)
	c.wait(`document.activeElement.ariaInvalid === "true"`)
	c.press("a", chromedp.ModifierCtrl)
	c.press("crm")
	c.wait(`[...document.querySelectorAll("#typed-names option")].some((o) => o.value === "crm.acme.example")`)
	c.press(".acme.example")
	c.sees("#typed-says", "Nothing is wrong with this name")
	c.press(kb.Enter)
	c.sees(`[data-address="192.0.2.20"] ins`, "crm.acme.example")
	c.wait(`document.activeElement.matches('[data-address="192.0.2.20"] a.edit')`)
	c.sees("#collected", "1")
	c.wait(`document.querySelector("#said").textContent.includes("review: 1")`)
	if now := c.eval(below); now != place {
		t.Errorf("a row moves from %s to %s", place, now)
	}

	// Another one, with the button for the default.
	c.tabTo(`[data-address="192.0.2.24"] a.edit`)
	c.press(kb.Enter)
	c.tabTo(`.in-place [name="default"]`)
	c.press(kb.Enter)
	c.sees(`[data-address="192.0.2.24"] ins`, "the default")
	c.sees("#collected", "2")

	// And one on its own page.
	c.open("/address/192.0.2.12")
	c.tabTo("#name")
	c.press("a", chromedp.ModifierCtrl)
	c.press("store.acme.example")
	c.sees("#says", "Nothing is wrong with this name")
	c.tabTo(`button[name="review"]`)
	c.press(kb.Enter)
	c.at("/changes")
	c.sees("#edits", "3 changes")
	c.sees(".findings", "default hostname takes the place of www.bluebird.example")
	c.tabTo("#reason")
	c.press("Ticket 4711: the shop moves")
	c.do(chromedp.EmulateViewport(1200, 640))
	c.shoot("review")
	c.tabTo(".propose button")
	c.press(kb.Enter)
	c.at("/proposals")
	c.sees(".notice", "Proposed on branch rdns/olga/")

	branch := s.Git("for-each-ref", "--format=%(refname:short)", "refs/heads/rdns")
	got := s.Git("log", "-1", "--format=%an: %b", branch)
	if !strings.HasPrefix(got, "Olga Operator: Ticket 4711: the shop moves\n") {
		t.Errorf("the commit says:\n%s", got)
	}
	s.Git("merge", "-q", branch)
	if testing.Short() {
		return // the rest compiles CoreDNS
	}
	// With an error, nothing is compiled.
	s.replace("records.d/servers.yaml", "198.51.100.21: mail.", "198.51.100.21: mx1.")
	ask := s.nameServer()
	for addr, want := range map[string]string{
		"192.0.2.20": "crm.acme.example.",
		"192.0.2.24": "examplaaa4.miniserver.example.",
		"192.0.2.12": "store.acme.example.",
	} {
		if got := ask(addr); got != want {
			t.Errorf("%s answers %q, want %q", addr, got, want)
		}
	}
}

// nameServer compiles the source of the work tree, serves it with CoreDNS, and returns what asks dig for an address.
func (s *site) nameServer() (ask func(addr string) string) {
	s.Helper()
	dig, bin, port := peer.Needs(s, "dig")[0], s.TempDir(), peer.Port(s)
	run := func(name string, args ...string) string {
		s.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			s.Fatalf("%s %s: %v\n%s", name, args, err, out)
		}
		return string(bytes.TrimSpace(out))
	}
	run("go", "build", "-o", bin, "../../cmd/coredns", "../../cmd/revmap")
	snapshot := filepath.Join(bin, "records.snapshot")
	run(filepath.Join(bin, "revmap"), "compile", "-o", snapshot, filepath.Join(s.Dir, "records.yaml"))
	peer.Start(s, filepath.Join(bin, "coredns"), port, map[string]string{
		"Corefile": fmt.Sprintf(".:%d {\n\tbind 127.0.0.1\n\trevmap %s\n}\n", port, snapshot),
	}, "-conf", "{dir}/Corefile")
	return func(addr string) string { return run(dig, "@127.0.0.1", "-p", fmt.Sprint(port), "+short", "-x", addr) }
}

// TestMouse undoes with a mouse, opens and closes, and meets a conflict.
func TestMouse(t *testing.T) {
	s := newSite(t, nil)
	c := s.chrome()
	c.signIn("olga")
	edit := func(addr, name string) {
		t.Helper()
		c.do(chromedp.Click(fmt.Sprintf(`[data-address=%q] a.edit > :last-child`, addr)))
		c.wait(`document.activeElement.matches("#typed")`)

		c.press(name)
		c.do(chromedp.Click(`.in-place button.main`))
	}
	edit("192.0.2.20", "crm.acme.example")
	c.sees("#collected", "1")
	c.do(chromedp.Click(`[data-address="192.0.2.20"] .undo button`))
	c.wait(`document.querySelector("#collected").hidden`)
	c.sees(`[data-address="192.0.2.20"]`, "default hostname")

	edit("192.0.2.26", "shop.bluebird-shop.example")
	c.sees("#collected", "1")
	s.replace("records.d/servers.yaml", "www.bluebird-shop.example", "w3.bluebird-shop.example")
	c.do(chromedp.Click("a[href='/changes']"))
	c.at("/changes")
	c.sees("#conflicts", "Somebody was faster")
	c.sees(".conflicts", "w3.bluebird-shop.example")
	c.do(chromedp.EmulateViewport(390, 800)) // a phone: nothing is cut off, and each part says what it is
	if got := c.eval(`[...document.querySelectorAll(".conflicts :is(code, button, time)")].every((e) =>
		e.getBoundingClientRect().right <= 390) && getComputedStyle(document.querySelector(".conflicts td"), "::before").content`,
	); got != `"Yours"` {
		t.Errorf("on a phone, the table of conflicts is cut off, or without labels: %s", got)
	}
	c.do(chromedp.EmulateViewport(1200, 800))
	c.do(chromedp.Click(".conflicts form[action='/collect'] button"))
	c.sees("#edits", "1 change")
	c.wait(`document.querySelector(".propose button") && !document.querySelector(".conflicts")`)
	if got := c.eval("document.querySelector('.propose button').disabled"); got != "false" {
		t.Error("a conflict that is settled keeps the change from being proposed")
	}
}

func (c *chrome) signIn(login string) {
	c.Helper()
	c.open("/sign-in")
	c.wait(`document.activeElement.matches("#login")`)
	c.press(login)
	c.tabTo("#password")
	c.press(passwordOf(login) + kb.Enter)
	c.at("/")
}

// TestLayout looks at all pages in windows of several widths, light and dark: nothing sticks out, and text can be read.
func TestLayout(t *testing.T) {
	s := newSite(t, nil)
	b := s.browse("olga")
	b.post("/collect", "address", "192.0.2.20", "was", "", "name", "crm.acme.example")
	b.post("/changes", "reason", "Ticket 4711")
	b.post("/collect", "address", "192.0.2.12", "was", "shop.acme.example.", "default", "1")
	c := s.chrome()
	c.signIn("olga")
	for _, scheme := range []string{"light", "dark"} {
		c.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}))
		for _, width := range []int64{360, 980, 1200} {
			if scheme == "dark" && width < 1200 {
				continue // which colours there are does not depend on the width
			}
			c.do(chromedp.EmulateViewport(width, 800))
			for _, path := range []string{
				"/", "/?q=nothing", "/address/198.51.100.21", "/address/192.0.2.12", "/changes", "/proposals",
				"/rules/name-generic", nowhere,
			} {
				c.open(path)
				c.eval(`document.querySelector("a.edit")?.click()`) // what opens must have room, too
				if got := c.eval("document.documentElement.scrollWidth"); got != fmt.Sprint(width) {
					t.Errorf("%s is %s wide in a window of %d", path, got, width)
				}
				if faint := c.eval(faintText); faint != "" {
					t.Errorf("%s, %s: text that is hard to read: %s", path, scheme, faint)
				}
			}
		}
	}
}

// faintText returns text whose contrast to what is behind it is below 4.5 (WCAG 2.2, 1.4.3).
const faintText = `(() => {
	const rgb = (color) => { // what the browser draws
		const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data];
	};
	const light = (color) => color.slice(0, 3).map((c) => c / 255)
		.map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const color = rgb(getComputedStyle(e).backgroundColor);
			if (color[3] === 255) return color;
		}
		return rgb("canvas");
	};
	const seen = new Map(), faint = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walk.nextNode(); n; n = walk.nextNode()) {
		const e = n.parentElement;
		if (!n.data.trim() || e.closest(".unseen, .skip, script, template, :disabled")) continue;
		const key = getComputedStyle(e).color + behind(e);
		if (!seen.has(key)) {
			const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
			seen.set(key, (a + 0.05) / (b + 0.05));
		}
		if (seen.get(key) < 4.5) faint.add(n.data.trim() + " " + seen.get(key).toFixed(1));
	}
	return [...faint].join(" | ");
})()`

// TestDocs looks at the pictures of docs/page.md: all are there, and none is large.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/page.md")
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := filepath.Glob("../../docs/page/*.png")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures {
		if link := "](page/" + filepath.Base(p) + ")"; strings.Count(string(text), link) != 1 {
			t.Errorf("docs/page.md does not show %s once", p)
		}
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := png.DecodeConfig(bytes.NewReader(data)); err != nil || c.Width != 1200 || len(data) > 200_000 {
			t.Errorf("%s: %d bytes, %d wide, %v", p, len(data), c.Width, err)
		}
	}
	if n := strings.Count(string(text), "](page/"); n != len(pictures) {
		t.Errorf("docs/page.md shows %d pictures, and there are %d", n, len(pictures))
	}
}
