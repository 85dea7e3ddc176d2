package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestHandbookForEverybody(t *testing.T) {
	b := open(t).browse()
	front := b.get("/")
	front.wants(t, http.StatusOK, `<a href="/docs">Handbook</a>`)
	contents := b.get("/docs")
	contents.wants(t, http.StatusOK, "<h1 id=\"handbook\">Handbook</h1>", `<title>Handbook – `)
	chapters := regexp.MustCompile(`href="(/docs/[^"#]+)"`).FindAllStringSubmatch(contents.text, -1)
	seen := make(map[string]bool)
	for _, m := range chapters {
		if !seen[m[1]] {
			seen[m[1]] = true
			b.get(m[1]).wants(t, http.StatusOK, `<nav class="chapters"`, `href="`+m[1]+`" aria-current="page"`)
		}
	}
	if len(seen) < 10 {
		t.Errorf("the contents lead to %d chapters", len(seen))
	}
	for path, status := range map[string]int{
		"/docs/clients/pidgin":   http.StatusOK,
		"/docs/plots/ratios.svg": http.StatusOK,
		"/docs/nowhere":          http.StatusNotFound,
		"/docs/adr/README":       http.StatusNotFound,
		"/docs/install.md":       http.StatusNotFound,
	} {
		b.get(path).wants(t, status)
	}
	if kind := b.get("/docs/plots/ratios.svg").Header.Get("Content-Type"); kind != "image/svg+xml" {
		t.Errorf("a picture comes as %s", kind)
	}
}

func TestHandbookSaysWhichLanguageItIsIn(t *testing.T) {
	b := open(t).browse()
	if text := b.get("/docs/install").text; strings.Contains(text, "English only") {
		t.Error("the English page says that it is in English only")
	}
	b.header.Set("Accept-Language", "de")
	b.get("/docs/install").wants(t, http.StatusOK,
		`<html lang="de">`, "Das Handbuch gibt es nur auf Englisch.", `<article class="card prose" lang="en">`)
}

func TestIndexNamesEverySetting(t *testing.T) {
	b := open(t).browse()
	b.get("/docs/index").wants(t, http.StatusOK, `<h1>Index</h1>`,
		`<a href="/docs/configuration#servicehost"><code>service.host</code></a>`,
		`<a href="/docs/commands#monarch-user-add"><code>monarch user add</code></a>`)
}
