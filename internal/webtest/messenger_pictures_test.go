package webtest

import (
	"context"
	"encoding/binary"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"monarch/msnclient"
)

// shows waits until the picture of the other is the default, or not.
func (p *person) shows(what, is string) {
	p.t.Helper()
	p.until(what, `((img) => img.complete && img.naturalWidth > 0 && img.src`+is+`)(document.querySelector(".side .other"))`)
}

const (
	isDefault = `.endsWith("/monarch.svg")`
	isHis     = `.startsWith("blob:")`
)

func TestHostilePictures(t *testing.T) {
	good := drawing(t, 96, color.RGBA{200, 20, 20, 255})
	// It claims a width and height that would take gigabytes.
	huge := slices.Clone(good)
	binary.BigEndian.PutUint32(huge[16:], 60_000)
	binary.BigEndian.PutUint32(huge[20:], 60_000)
	torn := append(slices.Clone(good[:40]), make([]byte, 500)...)

	w := newWorld(t)
	alice, bob := w.pair()
	alice.say("show me")
	heard := await[msnclient.TextReceived](t, bob, nil)
	for name, hostile := range map[string][]byte{
		"no image":        []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>`),
		"too many pixels": huge,
		"a torn image":    torn,
	} {
		within(t, func(ctx context.Context) error { return bob.SetPicture(ctx, &msnclient.Picture{Data: good}) })
		alice.shows("a good picture is shown", isHis)
		within(t, func(ctx context.Context) error { return bob.SetPicture(ctx, &msnclient.Picture{Data: hostile}) })
		alice.shows(name+" is the default", isDefault)
		within(t, func(ctx context.Context) error {
			return heard.Chat.Send(ctx, msnclient.Text{Body: name + " (x)", Emoticons: map[string]*msnclient.Picture{"(x)": {Data: hostile}}})
		})
		alice.until("the emoticon is its shortcut", `(([...all]) => all.at(-1)?.textContent === `+quote(name+" (x)")+` &&
			!all.at(-1).querySelector("img"))(document.querySelectorAll(".line.theirs .said"))`)
	}
	within(t, func(ctx context.Context) error { return bob.SetPicture(ctx, &msnclient.Picture{Data: good}) })
	alice.shows("a good picture is shown again", isHis)
	within(t, func(ctx context.Context) error { return bob.SetPicture(ctx, nil) })
	alice.shows("he has taken it away", isDefault)
}

func TestOnesOwnPicture(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	green := file("green.png", drawing(t, 200, color.RGBA{20, 120, 20, 255}))
	blue := file("blue.png", drawing(t, 40, color.RGBA{20, 20, 220, 255}))
	none := file("none.png", []byte("this is no image"))

	w := newWorld(t)
	w.p.Play("mutual alice bob")
	bob := w.signIn("bob")
	alice := w.sit(chromium(t))
	alice.messenger("alice")
	alice.sees(bobs, "online")
	picks := func(path string) {
		t.Helper()
		alice.taps("#my-picture")
		alice.do("choose "+path, chromedp.SetUploadFiles(chromedp.CSS("dialog input[type=file]"), []string{path}))
	}
	picks(none)
	alice.until("it is refused", `document.querySelector("dialog .problem").textContent !== ""`)
	alice.closes()
	sum := ""
	for _, path := range []string{green, blue} {
		picks(path)
		alice.until("it is shown", `document.querySelector("dialog .preview").src.startsWith("blob:") && document.querySelector("dialog .problem").textContent === ""`)
		alice.agrees()
		seen := isSeen(t, bob, "with the picture "+path, func(e msnclient.PresenceChanged) bool { return e.Picture != nil && e.Picture.SHA1D != sum })
		sum = seen.Picture.SHA1D
		within(t, func(ctx context.Context) error {
			_, err := bob.FetchPicture(ctx, alices)
			return err
		})
	}
	alice.taps("#my-picture")
	alice.taps("dialog .window-body .button")
	alice.until("the default is shown", `document.querySelector("dialog .preview").src.endsWith("/monarch.svg")`)
	alice.agrees()
	isSeen(t, bob, "without a picture", func(e msnclient.PresenceChanged) bool { return e.Picture == nil })
	alice.until("so it is here", `document.querySelector("#my-picture img").src.endsWith("/monarch.svg")`)
}
