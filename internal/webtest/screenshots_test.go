package webtest

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"monarch/internal/msntest"
)

// picturesDir is where the documentation has its pictures. `make screenshots` takes them again.
const picturesDir = "../../docs/screenshots"

// widths of windows that pictures are taken of, and their heights, unless the page is higher.
var windows = []struct {
	name          string
	width, height int64
}{{"desktop", 1280, 800}, {"phone", 390, 780}}

// highest is how much of a page a picture shows at most.
const highest = 2000

// agent is the browser that pictures are taken with, as far as pages can tell.
const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

// still makes a page the same every time: nothing blinks, nothing new comes, and times, ports,
// fingerprints and passwords are those of no day and no machine.
const still = `(async (port) => {
	document.activeElement?.blur();
	document.body.addEventListener("htmx:beforeSwap", (e) => { if (e.detail.xhr.getResponseHeader("Monarch-Live")) e.preventDefault(); });
	const lang = document.documentElement.lang, messenger = document.querySelector("main.messenger");
	const moment = new Intl.DateTimeFormat(lang, messenger ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
	for (const time of document.querySelectorAll("time")) time.textContent = moment.format(new Date(2003, 9, 18, 20, 15));
	for (const code of document.querySelectorAll(".thumb code")) code.textContent = "4E 1B 07 A2 9C 33 D8 5F 60 E7 12 8B C4 7D 95 3A F0 26 B9 41";
	for (const code of document.querySelectorAll(".secret code")) code.textContent = "K7QM-4XWD-92HT";
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(":" + port, ":8443").replace(/^\s*127\.0\.0\.1:\d{4,5}\s*$/, "127.0.0.1:50218");
	await document.fonts.ready;
	await Promise.all([...document.images].map((i) => i.decode().catch(() => {})));
	await Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {})));
	await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
})(%q)`

// take keeps pictures of a page as it is, one for each window.
func (p *person) take(w *world, l look, name string) {
	p.t.Helper()
	_, port, err := net.SplitHostPort(w.fix.Server.Addr("https"))
	if err != nil {
		p.t.Fatal(err)
	}
	hold := chromedp.Evaluate[chromedp.Void](fmt.Sprintf(still, port), chromedp.EvalAwaitPromise)
	for _, window := range windows {
		p.resize(window.width, window.height)
		if l.again {
			l.there(p)
		}
		p.do("hold still", hold)
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		height, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
		if height = min(height, highest); err == nil && height > window.height {
			err = chromedp.Do(ctx, chromedp.EmulateViewport(window.width, height), hold)
		}
		var shot []byte
		if err == nil {
			shot, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
		}
		cancel()
		if err != nil {
			p.t.Fatalf("take a picture of %s: %v", name, err)
		}
		small, err := smallPicture(shot)
		if err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(picturesDir, name+"-"+window.name+".png"), small, 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

// portray takes the pictures of an edition that are asked for. What is shown before them is gone
// through, too: a page may show what was done on another.
func (p *person) portray(w *world, e edition, looks []look) {
	p.t.Helper()
	for _, l := range looks[:e.last(looks)+1] {
		if l.plain && l.path != "" {
			continue
		}
		p.resize(windows[0].width, windows[0].height)
		p.see(w, l)
		if e.has(l) {
			p.take(w, l, e.name(l))
		}
	}
}

// guest sits down at a browser that always is the same.
func (w *world) guest(language, scheme string) *person {
	w.t.Helper()
	p := w.sit(chromium(w.t))
	set(p, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language, Platform: "Linux x86_64"})
	set(p, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "UTC"})
	set(p, emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true})
	p.prefer(scheme)
	return p
}

// edition is pages in a language, light or dark.
type edition struct {
	suffix, language, scheme string
	pages                    []string // nil: all
	asked                    []string // patterns of the names of pictures to take
}

var editions = []edition{
	{language: "en", scheme: "light"},
	{suffix: "-de", language: "de", scheme: "light", pages: []string{"home", "connect-pidgin", "messenger-conversation", "admin"}},
	{suffix: "-es", language: "es", scheme: "light", pages: []string{"join-problems", "account-contacts", "admin-person"}},
	{suffix: "-dark", language: "en", scheme: "dark", pages: []string{"home", "connect", "docs-install", "account-contacts", "messenger", "messenger-conversation", "admin"}},
}

// name is that of the pictures of a page, up to the window.
func (e edition) name(l look) string { return l.name + e.suffix }

// has reports whether pictures of a page are asked for.
func (e edition) has(l look) bool {
	return !l.plain && (e.pages == nil || slices.Contains(e.pages, l.name)) &&
		slices.ContainsFunc(e.asked, func(pattern string) bool { return fits(pattern, e.name(l)) })
}

// last is the place of the last page that pictures are asked for of, or -1.
func (e edition) last(looks []look) int {
	for i, l := range slices.Backward(looks) {
		if e.has(l) {
			return i
		}
	}
	return -1
}

func fits(pattern, name string) bool {
	is, _ := path.Match(pattern, name) // a bad one fits nothing, which is complained of
	return is
}

// everything is the pattern of all pictures.
const everything = "*"

func TestScreenshots(t *testing.T) {
	asked := strings.Fields(os.Getenv("UPDATE_SCREENSHOTS"))
	if len(asked) == 0 {
		everyPageHasPictures(t)
		return
	}
	names := pictured(t)
	for _, pattern := range asked {
		if !slices.ContainsFunc(names, func(name string) bool { return fits(pattern, name) }) {
			t.Fatalf("no picture is called %s; the names are those of the files in docs/screenshots, without the window", pattern)
		}
	}
	if slices.Contains(asked, everything) {
		if err := os.RemoveAll(picturesDir); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(picturesDir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, e := range editions {
		e.asked = asked
		e.take(t)
	}
}

// take takes the pictures that are asked for.
func (e edition) take(t *testing.T) {
	w := street(t)
	p := w.guest(e.language, e.scheme)
	p.portray(w, e, slices.Concat(visitorLooks(), w.guideLooks(), handbookLooks()))
	p.signIn("alice", "/account")
	p.portray(w, e, accountLooks())
	if e.last(messengerLooks(nil, nil)) >= 0 {
		p.portray(w, e, w.messengerLooks())
	}
	if e.last(adminLooks()) >= 0 {
		o := office(t)
		p = o.guest(e.language, e.scheme)
		p.signIn("dave", "/admin")
		p.portray(o, e, adminLooks())
	}
}

// pictured are the names of all pictures, up to the window.
func pictured(t *testing.T) []string {
	w := &world{t: t, base: "http://" + msntest.Start(t, nil).Server.Addr("web")}
	looks := slices.Concat(visitorLooks(), w.guideLooks(), handbookLooks(), accountLooks(), messengerLooks(nil, nil), adminLooks())
	var names []string
	for _, e := range editions {
		e.asked = []string{everything}
		for _, l := range looks {
			if e.has(l) {
				names = append(names, e.name(l))
			}
		}
	}
	return names
}

// everyPageHasPictures complains of pages without pictures, and of pictures without pages.
func everyPageHasPictures(t *testing.T) {
	var want []string
	for _, name := range pictured(t) {
		for _, window := range windows {
			want = append(want, name+"-"+window.name+".png")
		}
	}
	entries, err := os.ReadDir(picturesDir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".png") {
			got = append(got, e.Name())
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the pictures in docs/screenshots are not those of the pages; run make screenshots and look at them\ngot  %s\nwant %s", got, want)
	}
}

// smallPicture writes a picture in few bytes: with a palette of at most 256 colours.
func smallPicture(data []byte) ([]byte, error) {
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decode a picture: %w", err)
	}
	counts := make(map[color.RGBA]int)
	bounds := decoded.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(decoded.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	colours, index := quantize(counts, 256)
	m := image.NewPaletted(bounds, colours)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			m.SetColorIndex(x, y, index[at(x, y)])
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err = encoder.Encode(&b, m)
	return b.Bytes(), err
}

// shade is a colour and how many points have it.
type shade struct {
	color.RGBA
	n int
}

func (s shade) channel(i int) uint8 { return [3]uint8{s.R, s.G, s.B}[i] }

// quantize chooses at most so many colours for those of a picture, and says which stands for which.
// It halves the box of colours with the widest spread until there are enough boxes.
func quantize(counts map[color.RGBA]int, most int) (color.Palette, map[color.RGBA]uint8) {
	all := make([]shade, 0, len(counts))
	for c, n := range counts {
		all = append(all, shade{c, n})
	}
	slices.SortFunc(all, func(a, b shade) int {
		return int(a.R)<<16 + int(a.G)<<8 + int(a.B) - int(b.R)<<16 - int(b.G)<<8 - int(b.B)
	})
	boxes := [][]shade{all}
	for len(boxes) < most {
		widest, along, spread := -1, 0, 0.0
		for i, box := range boxes {
			if channel, s := widestOf(box); s > spread {
				widest, along, spread = i, channel, s
			}
		}
		if widest < 0 {
			break
		}
		a, b := halves(boxes[widest], along)
		boxes[widest] = a
		boxes = append(boxes, b)
	}
	palette, index := make(color.Palette, len(boxes)), make(map[color.RGBA]uint8, len(all))
	for i, box := range boxes {
		palette[i] = middle(box)
		for _, s := range box {
			index[s.RGBA] = uint8(i)
		}
	}
	return palette, index
}

// widestOf returns in which channel the colours of a box differ most, and how much that matters.
func widestOf(box []shade) (channel int, spread float64) {
	n := 0
	for _, s := range box {
		n += s.n
	}
	for i := range 3 {
		low, high := uint8(255), uint8(0)
		for _, s := range box {
			low, high = min(low, s.channel(i)), max(high, s.channel(i))
		}
		if by := float64(high-low) * math.Pow(float64(n), 0.3); high > low && by > spread {
			channel, spread = i, by
		}
	}
	return channel, spread
}

// halves cuts a box in the middle of its range.
func halves(box []shade, channel int) (low, high []shade) {
	slices.SortStableFunc(box, func(a, b shade) int { return int(a.channel(channel)) - int(b.channel(channel)) })
	centre := (int(box[0].channel(channel)) + int(box[len(box)-1].channel(channel)) + 1) / 2
	cut := slices.IndexFunc(box, func(s shade) bool { return int(s.channel(channel)) >= centre })
	return box[:cut], box[cut:]
}

// middle returns the colour that stands for a box: the one of most points, so that areas keep theirs.
func middle(box []shade) color.RGBA {
	return slices.MaxFunc(box, func(a, b shade) int { return a.n - b.n }).RGBA
}
