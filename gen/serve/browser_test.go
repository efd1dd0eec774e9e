//go:build unix

package serve_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/revmap/revmap/internal/peer"
)

// TestBrowser goes through the server with a real browser: what its own pages send is taken, and what a page elsewhere
// sends is not, though the browser adds the cookie.
func TestBrowser(t *testing.T) {
	path := peer.Needs(t, "chromium")[0]
	w := newWorld(t)
	w.serve()
	all, end := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true))
	defer end()
	ctx, cancel := chromedp.NewContext(all)
	defer cancel()
	do := func(expression string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[string]("("+expression+", '')")); err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
	}
	open := func(url string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
			t.Fatalf("%s: %v", url, err)
		}
	}
	text := func() string {
		s, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + ' ' + document.body.innerText"))
		if err != nil {
			return err.Error() // it goes on to another page
		}
		return s
	}
	sees := func(want string) {
		t.Helper()
		peer.Wait(t, func() bool { return strings.Contains(text(), want) },
			func() string { return fmt.Sprintf("there is no %q:\n%s\n%s", want, text(), w.log) })
	}
	const submit = "document.querySelector('%s').requestSubmit()"

	open(w.url + "/address/192.0.2.11")
	sees("/sign-in")
	do("document.querySelector('[name=login]').value = 'olivia'")
	do("document.querySelector('[name=password]').value = '" + password + "'")
	do(fmt.Sprintf(submit, "form:has([name=password])"))
	sees(w.url + "/address/192.0.2.11")
	sees("web1")

	evil := httptest.NewServer(http.HandlerFunc(func(w2 http.ResponseWriter, _ *http.Request) {
		io.WriteString(w2, `<!doctype html><form id=f method=post action="`+w.url+`/collect"><input name=address value=192.0.2.11>`+
			`<input name=name value=evil.acme.example><input name=was value=www.acme.example.></form>`)
	}))
	defer evil.Close()
	open(evil.URL) // another port of the same host is the same site for cookies
	do("document.querySelector('#f').submit()")
	sees("this request comes from a page of another site")
	open(w.url + "/changes")
	sees("You have not changed anything yet")

	open(w.url + "/address/192.0.2.11")
	do("document.querySelector('form.edit-form [name=name]').value = 'shop.acme.example'")
	do(fmt.Sprintf(submit, "form.edit-form"))
	sees("Undo")
	open(w.url + "/changes")
	sees("shop.acme.example")
	do(fmt.Sprintf(submit, "form.propose"))
	sees(w.url + "/proposals")
	branch := w.Git("for-each-ref", "--format=%(refname:short)", "refs/heads/rdns/olivia")
	w.contains(w.sourceAt(branch), "shop.acme.example")
}
