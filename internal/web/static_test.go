package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// linked matches the files that a page names.
var linked = regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`)

func TestFilesAreKeptForEver(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.header.Set("Accept-Encoding", "gzip, br")
	files := linked.FindAllStringSubmatch(b.get("/").text, -1)
	if len(files) < 2 {
		t.Fatalf("the page names %d files", len(files))
	}
	for _, file := range files {
		a := b.get(file[1])
		a.wants(t, http.StatusOK)
		if got := a.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control is %q", file[1], got)
		}
		if a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s comes with a cookie", file[1])
		}
		name := regexp.MustCompile(`^/static/[0-9a-f]{16}/`).ReplaceAllString(file[1], "")
		want, err := os.ReadFile(filepath.Join("static", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := unpack(t, a); got != string(want) {
			t.Errorf("%s is not static/%s", file[1], name)
		}
	}
	old := regexp.MustCompile(`[0-9a-f]{16}`).ReplaceAllString(files[0][1], "0123456789abcdef")
	b.get(old).wants(t, http.StatusNotFound)
}

func unpack(t *testing.T, a answer) string {
	t.Helper()
	if a.Header.Get("Content-Encoding") != "gzip" {
		return a.text
	}
	r, err := gzip.NewReader(strings.NewReader(a.text))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Everything that pages load is ours.
func TestNothingComesFromElsewhere(t *testing.T) {
	foreign := regexp.MustCompile(`(?:src|href|action|data-src)="(?:https?:)?//|@import|url\((?:["']?)(?:https?:)?//|<style|<script>|\sstyle="|\son[a-z]+="`)
	for _, pattern := range []string{"templates/*/*.html", "static/css/*.css", "static/img/*.svg"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal("no files", err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if found := foreign.FindString(string(text)); found != "" {
				t.Errorf("%s has %q", file, found)
			}
		}
	}
}

// TestTheFirstPageIsSmall counts all that a browser fetches for it, headers included.
func TestTheFirstPageIsSmall(t *testing.T) {
	const most = 50_000
	s := open(t)
	b := s.browse()
	b.header.Set("Accept-Encoding", "gzip")
	page := b.get("/")
	all := page.size()
	fetched := map[string]bool{}
	for _, file := range linked.FindAllStringSubmatch(page.text, -1) {
		if !fetched[file[1]] {
			fetched[file[1]] = true
			all += b.get(file[1]).size()
		}
	}
	t.Logf("%d bytes in %d answers", all, 1+len(fetched))
	if all >= most {
		t.Errorf("%d bytes, want less than %d", all, most)
	}
}

// size is about how many bytes an answer has on the wire.
func (a answer) size() int {
	var head strings.Builder
	_ = a.Header.Write(&head) // to memory
	return len("HTTP/1.1 200 OK\r\n") + head.Len() + len("\r\n") + len(a.text)
}

// BenchmarkFirstPage gets it over the loopback, on a connection that is there.
func BenchmarkFirstPage(b *testing.B) {
	s := open(b)
	visitor := s.browse()
	for b.Loop() {
		visitor.get("/")
	}
}
