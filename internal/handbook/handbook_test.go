package handbook_test

import (
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"monarch/docs"
	"monarch/internal/handbook"
)

// small is a handbook with one of everything.
func small(t *testing.T, more map[string]string) *handbook.Book {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"README.md":         "# Handbook\n\nSee [there](install.md).\n\n## Begin\n\n* [Install](install.md): how, and [why](why.md).\n* [Clients](clients/README.md)\n\n## End\n\n* [Settings](settings.md)\n",
		"install.md":        "# Install it\n\n## One\n\n[two](#two), [b](clients/b.md#x), [all](clients/README.md), [source](../main.go), [out](https://example.com/)\n\n<a id=\"zwei\"></a>\n\n## Two\n\n### `Three`\n\n## Two\n",
		"clients/README.md": "# Clients\n\n[b](b.md) and [a](a.md), [back](../install.md#one)\n",
		"clients/a.md":      "# Program A\n",
		"clients/b.md":      "# Program B\n\n## X\n\n![a picture](../plots/x.svg)\n",
		"settings.md":       "# Settings\n\n## `b.key`\n\n### `a.key`\n\n## Other\n",
		"unlisted.md":       "# Unlisted\n",
		"plots/x.svg":       "<svg/>",
		"plots/x.txt":       "secret",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range more {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	b, err := handbook.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func page(t *testing.T, b *handbook.Book, at string) *handbook.Page {
	t.Helper()
	p, ok := b.Page(at)
	if !ok {
		t.Fatalf("there is no page %s", at)
	}
	return p
}

func TestContents(t *testing.T) {
	b := small(t, nil)
	want := []handbook.Part{
		{"Begin", []handbook.Chapter{
			{Path: "/docs/install", Title: "Install"},
			{Path: "/docs/clients", Title: "Clients", Under: []handbook.Chapter{
				{Path: "/docs/clients/b", Title: "Program B"}, {Path: "/docs/clients/a", Title: "Program A"},
			}},
		}},
		{"End", []handbook.Chapter{{Path: "/docs/settings", Title: "Settings"}}},
	}
	if diff := cmp.Diff(want, b.Parts); diff != "" {
		t.Error(diff)
	}
	if clients := b.Parts[0].Chapters[1]; !clients.Has("/docs/clients/a") || !clients.Has("/docs/clients") || clients.Has("/docs/install") {
		t.Error("a chapter does not know what belongs to it")
	}
	if diff := cmp.Diff([]handbook.Term{{"Three", "/docs/install#three"}, {"a.key", "/docs/settings#akey"}, {"b.key", "/docs/settings#bkey"}}, b.Index); diff != "" {
		t.Error(diff)
	}
	if _, ok := b.Page("/docs/unlisted"); ok {
		t.Error("a document that nothing leads to is shown")
	}
}

func TestOneAfterTheOther(t *testing.T) {
	b := small(t, nil)
	at := "/docs/install"
	var seen []string
	for {
		p := page(t, b, at)
		if p.Prev != nil && p.Prev.Path != seen[len(seen)-1] {
			t.Errorf("before %s is %s", at, p.Prev.Path)
		}
		seen = append(seen, at)
		if p.Next == nil {
			break
		}
		at = p.Next.Path
	}
	want := []string{"/docs/install", "/docs/clients", "/docs/clients/b", "/docs/clients/a", "/docs/settings"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestLinksLeadToPages(t *testing.T) {
	b := small(t, nil)
	for at, want := range map[string][]string{
		"/docs":           {`<a href="/docs/install">there</a>`},
		"/docs/install":   {`<a href="#two">two</a>`, `<a href="/docs/clients/b#x">b</a>`, `<a href="/docs/clients">all</a>`, `, source,`, `<a href="https://example.com/">out</a>`},
		"/docs/clients":   {`<a href="/docs/clients/b">b</a>`, `<a href="/docs/install#one">back</a>`},
		"/docs/clients/b": {`<img src="/docs/plots/x.svg" alt="a picture"`},
	} {
		for _, part := range want {
			if text := string(page(t, b, at).HTML); !strings.Contains(text, part) {
				t.Errorf("%s has no %s:\n%s", at, part, text)
			}
		}
	}
	if content, ok := b.Picture("/docs/plots/x.svg"); !ok || string(content) != "<svg/>" {
		t.Error("the picture is not there")
	}
	for _, at := range []string{"/docs/plots/x.txt", "/docs/plots/y.svg", "/docs/../x.svg", "/docs"} {
		if _, ok := b.Picture(at); ok {
			t.Errorf("%s is a picture", at)
		}
	}
}

func TestSectionsHaveAnchors(t *testing.T) {
	p := page(t, small(t, nil), "/docs/install")
	if p.Title != "Install it" || p.ID != "install-it" || strings.Contains(string(p.HTML), "<h1") {
		t.Errorf("the title is %q, %q", p.Title, p.ID)
	}
	if diff := cmp.Diff([]handbook.Section{{ID: "one", Title: "One"}, {ID: "two", Title: "Two", Under: []handbook.Section{{ID: "three", Title: "Three"}}}, {ID: "two-1", Title: "Two"}}, p.Sections); diff != "" {
		t.Error(diff)
	}
	if text := string(p.HTML); !strings.Contains(text, `<span class="mark" id="zwei"></span><h2 id="two">`) {
		t.Error(text)
	}
}

func TestMarkupOfDocumentsIsText(t *testing.T) {
	b := small(t, map[string]string{
		"install.md": "# <b>Bold</b>\n\nHere <script>alert(1)</script> is, and <javascript:alert(2)> [x](javascript:alert(3)).\n\n" +
			"<div onclick=\"x\">\n\n</div>\n\n| a | right |\n|---|--:|\n| <i>1</i> | 2 |\n\n```\n<pre>\n```\n",
	})
	text := string(page(t, b, "/docs/install").HTML)
	if found := regexp.MustCompile(`<script|<b>|<div on|<i>|href="javascript|style=|<pre>`).FindString(text); found != "" {
		t.Errorf("%s got through:\n%s", found, text)
	}
	for _, want := range []string{"&lt;script&gt;", "&lt;div onclick", `<td align="right">2</td>`, `<pre tabindex="0"><code>&lt;pre&gt;`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestFlagsStayInOnePiece(t *testing.T) {
	b := small(t, map[string]string{"install.md": "# I\n\n`monarch setup --dry-run <x>`, `-v` and `a-b`\n"})
	text := string(page(t, b, "/docs/install").HTML)
	want := `<code>monarch setup <span class="flag">--dry-run</span> &lt;x&gt;</code>, <code><span class="flag">-v</span></code> and <code>a-b</code>`
	if !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
}

func TestTablesSayWhatTheyAreOf(t *testing.T) {
	b := small(t, map[string]string{"install.md": "# I\n\n## Ports & names\n\n| | |\n|---|---|\n| a | b |\n\nAnd\n\n| h | i |\n|---|---|\n| a | b |\n"})
	text := string(page(t, b, "/docs/install").HTML)
	for _, want := range []string{
		"<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"Ports &amp; names\">\n<table>\n<tbody>\n<tr>\n<td>a</td>",
		"aria-label=\"Ports &amp; names (2)\">\n<table>\n<thead>\n<tr>\n<th>h</th>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Count(text, "<tbody>") != 2 || strings.Count(text, "</tbody>") != 2 || strings.Count(text, "</div>") != 2 {
		t.Error(text)
	}
}

func TestContentsOfWhatIsNotThere(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"no contents":             {},
		"a chapter there is not":  {"README.md": {Data: []byte("# H\n\n## P\n\n* [x](x.md)\n")}},
		"a directory without any": {"README.md": {Data: []byte("# H\n\n## P\n\n* [x](x/README.md)\n")}},
	} {
		if _, err := handbook.Read(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSlugIsThatOfGitHub(t *testing.T) {
	for title, want := range map[string]string{
		"Lines":              "lines",
		"NS and SB":          "ns-and-sb",
		"`ADD`, and others":  "add-and-others",
		"limits.signin_hold": "limitssignin_hold",
		"Where? – Here":      "where--here",
		"Öffnen":             "öffnen",
	} {
		if got := handbook.Slug(title); got != want {
			t.Errorf("Slug(%q) = %q, want %q", title, got, want)
		}
	}
}

// byDesign are documents that the handbook leaves out: for those who have the source.
var byDesign = []string{"releasing.md", "translating.md", "website.md"}

func TestOurHandbook(t *testing.T) {
	b, err := handbook.Read(docs.Files)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := docs.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if path.Ext(e.Name()) != ".md" || e.Name() == "README.md" || strings.Contains(strings.Join(byDesign, " "), e.Name()) {
			continue
		}
		if _, ok := b.Page("/docs/" + strings.TrimSuffix(e.Name(), ".md")); !ok {
			t.Errorf("docs/%s is in no part of docs/README.md; list it there, or it is shown nowhere", e.Name())
		}
	}
	inner := regexp.MustCompile(`(?:href|src)="(/docs[^"#]*)(?:#([^"]*))?"`)
	eachPage(b, func(p *handbook.Page) {
		if p.Title == "" || strings.Contains(string(p.HTML), "<h1") {
			t.Errorf("%s has not one title", p.Path)
		}
		for _, m := range inner.FindAllStringSubmatch(string(p.HTML), -1) {
			to, isPage := b.Page(m[1])
			_, isPicture := b.Picture(m[1])
			if !isPage && !isPicture || m[2] != "" && m[2] != to.ID && !strings.Contains(string(to.HTML), `id="`+m[2]+`"`) {
				t.Errorf("%s leads to %s#%s, which is not there", p.Path, m[1], m[2])
			}
		}
	})
}

// eachPage visits the contents and all chapters.
func eachPage(b *handbook.Book, visit func(*handbook.Page)) {
	p, _ := b.Page(handbook.Root)
	visit(p)
	for _, part := range b.Parts {
		for _, c := range part.Chapters {
			for _, each := range append([]handbook.Chapter{c}, c.Under...) {
				p, _ := b.Page(each.Path)
				visit(p)
			}
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		if _, err := handbook.Read(docs.Files); err != nil {
			b.Fatal(err)
		}
	}
}
