package arch

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"monarch/internal/handbook"
)

func TestCitedSectionsExist(t *testing.T) {
	tr := open(t)
	var findings []string
	for _, s := range tr.sources {
		findings = append(findings, citations(s, tr.anchors)...)
	}
	for _, name := range tr.texts {
		text, err := tr.read(name)
		if err != nil {
			t.Fatal(err)
		}
		findings = append(findings, citations(&source{path: name, text: text}, tr.anchors)...)
	}
	report(t, findings)
}

func TestLinksBetweenDocumentsWork(t *testing.T) {
	tr := open(t)
	var findings []string
	for _, doc := range tr.docs {
		text, err := tr.read(doc)
		if err != nil {
			t.Fatal(err)
		}
		d := &source{path: doc, text: text}
		findings = append(findings, links(d, tr.exists, tr.anchors)...)
	}
	report(t, findings)
}

// citation is how a comment, or what a program says, names a section of a document.
var citation = regexp.MustCompile(`\bdocs/(?:[\w-]+/)*[\w-]+\.md(#[\w-]*)?`)

// citations finds comments that cite a section there is not.
func citations(s *source, anchors func(doc string) []string) []string {
	var findings []string
	for i, line := range strings.Split(string(s.text), "\n") {
		for _, cited := range citation.FindAllString(line, -1) {
			doc, anchor, named := strings.Cut(cited, "#")
			have := anchors(doc)
			switch {
			case have == nil:
				findings = append(findings, s.complain(i+1, "there is no %s; write it, or cite another file of docs", doc))
			case named && !slices.Contains(have, anchor):
				findings = append(findings, s.complain(i+1, "%s has no section #%s; its sections are %s",
					doc, anchor, strings.Join(have, " ")))
			}
		}
	}
	return findings
}

// link is a Markdown link to something that is not on another site.
var link = regexp.MustCompile(`\]\(([^):#]*)(#[^)]*)?\)`)

// links finds links to files or sections there are not.
func links(s *source, exists func(name string) bool, anchors func(doc string) []string) []string {
	var findings []string
	for i, line := range prose(string(s.text)) {
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			target := s.path
			if m[1] != "" {
				target = path.Join(s.dir(), m[1])
			}
			switch {
			case !exists(target):
				findings = append(findings, s.complain(i+1, "links to %s, which does not exist", target))
			case m[2] != "" && !slices.Contains(anchors(target), m[2][1:]):
				findings = append(findings, s.complain(i+1, "links to %s%s; that file has the sections %s",
					target, m[2], strings.Join(anchors(target), " ")))
			}
		}
	}
	return findings
}

// prose returns the lines of a document with those of code blocks blanked.
func prose(text string) []string {
	lines := strings.Split(text, "\n")
	code := false
	for i, line := range lines {
		fence := strings.HasPrefix(line, "```")
		if fence {
			code = !code
		}
		if fence || code {
			lines[i] = ""
		}
	}
	return lines
}

func (t *tree) exists(name string) bool {
	_, err := t.stat(name)
	return err == nil
}

// anchors returns the names of a document's sections, or nil if there is no such document.
func (t *tree) anchors(doc string) []string {
	text, err := t.read(doc)
	if err != nil {
		return nil
	}
	names := []string{}
	for _, line := range prose(string(text)) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			names = append(names, unique(names, handbook.Slug(title)))
		} else if m := mark.FindStringSubmatch(line); m != nil {
			names = append(names, m[1])
		}
	}
	return names
}

// mark is a second name for the section that follows it.
var mark = regexp.MustCompile(`^<a id="([\w-]+)"></a>$`)

// unique is the anchor of a section whose title others may have had before.
func unique(names []string, slug string) string {
	for i, name := 1, slug; ; i++ {
		if !slices.Contains(names, name) {
			return name
		}
		name = fmt.Sprintf("%s-%d", slug, i)
	}
}

func TestCitationsBite(t *testing.T) {
	anchors := func(doc string) []string {
		if doc == "docs/protocol/wire.md" {
			return []string{"lines", "invalid-input"}
		}
		return nil
	}
	for _, c := range []struct {
		name, cited string
		findings    int
	}{
		{"a section", "wire.md#lines.", 0},
		{"a whole file", "wire.md", 0},
		{"a section there is not", "wire.md#line", 1},
		{"a file there is not", "fire.md#lines", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Put together here, or this very file would cite what does not exist.
			s := snippet(t, "a.go", "package p\n\n// See docs/"+"protocol/"+c.cited+"\n")
			if f := citations(s, anchors); len(f) != c.findings {
				t.Errorf("%d findings, want %d: %q", len(f), c.findings, f)
			}
		})
	}
}
