// Package handbook makes pages for browsers of the documents in docs: what is in them, in which
// order, and where links between them lead. It leaves the design of pages and answering requests
// to web.
package handbook

import (
	"cmp"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Root is the path under which all pages are.
const Root = "/docs"

// contentsFile is the document that lists all others.
const contentsFile = "README.md"

// Book is the handbook as it is shown. Nothing in it changes.
type Book struct {
	Parts []Part // as the contents list them
	Index []Term // names that have a section of their own

	pages map[string]*Page // by path
	files fs.FS
}

// Part is a part of the contents.
type Part struct {
	Title    string
	Chapters []Chapter
}

// Chapter is a document as others refer to it, with those that belong to it.
type Chapter struct {
	Path, Title string
	Under       []Chapter
}

// Has reports whether a page is the chapter or belongs to it.
func (c Chapter) Has(page string) bool {
	return c.Path == page || slices.ContainsFunc(c.Under, func(u Chapter) bool { return u.Path == page })
}

// Page is one document.
type Page struct {
	Path       string
	ID, Title  string        // of its heading
	HTML       template.HTML // what is under that
	Sections   []Section     // those of the second order
	Prev, Next *Chapter      // nil: none

	terms []Term
}

// Section is a place in a page.
type Section struct {
	ID, Title string
	Under     []Section
}

// Term is a setting, a command, or whatever else is the title of a section.
type Term struct{ Name, Path string }

// Read makes a book of documents. Those that the contents do not lead to are not in it.
func Read(files fs.FS) (*Book, error) {
	b := &Book{pages: make(map[string]*Page), files: files}
	names, err := b.list()
	if err != nil {
		return nil, err
	}
	r := newRendering(names, files)
	for _, name := range names {
		p, err := r.page(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		b.pages[p.Path] = p
		b.Index = append(b.Index, p.terms...)
	}
	slices.SortFunc(b.Index, func(x, y Term) int { return cmp.Compare(x.Name, y.Name) })
	b.order()
	return b, nil
}

// Page returns the page with a path.
func (b *Book) Page(at string) (*Page, bool) {
	p, ok := b.pages[at]
	return p, ok
}

// Picture returns a file that pages show, by its path.
func (b *Book) Picture(at string) ([]byte, bool) {
	name, under := strings.CutPrefix(at, Root+"/")
	if !under || path.Ext(name) != ".svg" {
		return nil, false
	}
	content, err := fs.ReadFile(b.files, name)
	return content, err == nil
}

// list reads the contents, and returns the names of all documents in their order.
func (b *Book) list() ([]string, error) {
	names := []string{contentsFile}
	text, err := fs.ReadFile(b.files, contentsFile)
	if err != nil {
		return nil, fmt.Errorf("read the contents: %w", err)
	}
	for _, e := range entriesOf(text) {
		if e.part {
			b.Parts = append(b.Parts, Part{Title: e.title})
			continue
		}
		if len(b.Parts) == 0 {
			continue
		}
		names = append(names, e.file)
		c := Chapter{Path: pathOf(e.file), Title: e.title}
		if path.Base(e.file) == contentsFile {
			under, err := b.under(path.Dir(e.file))
			if err != nil {
				return nil, err
			}
			for _, name := range under {
				names = append(names, name)
				c.Under = append(c.Under, Chapter{Path: pathOf(name)})
			}
		}
		part := &b.Parts[len(b.Parts)-1]
		part.Chapters = append(part.Chapters, c)
	}
	return names, nil
}

// under returns the documents of a directory, those that its own contents list first.
func (b *Book) under(dir string) ([]string, error) {
	text, err := fs.ReadFile(b.files, path.Join(dir, contentsFile))
	if err != nil {
		return nil, fmt.Errorf("read the contents of %s: %w", dir, err)
	}
	all, err := fs.Glob(b.files, dir+"/*.md")
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(name string) bool { return path.Base(name) == contentsFile })
	listed := func(name string) int {
		if i := strings.Index(string(text), "]("+path.Base(name)); i >= 0 {
			return i
		}
		return len(text)
	}
	slices.SortStableFunc(all, func(x, y string) int { return cmp.Compare(listed(x), listed(y)) })
	return all, nil
}

// order tells each page what comes before and after it, and the contents what their chapters are called.
func (b *Book) order() {
	var all []*Chapter
	for i := range b.Parts {
		for j := range b.Parts[i].Chapters {
			c := &b.Parts[i].Chapters[j]
			all = append(all, c)
			for k := range c.Under {
				c.Under[k].Title = b.pages[c.Under[k].Path].Title
				all = append(all, &c.Under[k])
			}
		}
	}
	for i, c := range all {
		p := b.pages[c.Path]
		if i > 0 {
			p.Prev = all[i-1]
		}
		if i+1 < len(all) {
			p.Next = all[i+1]
		}
	}
}

// pathOf returns where a document is shown.
func pathOf(name string) string {
	name = strings.TrimSuffix(name, ".md")
	if path.Base(name)+".md" == contentsFile {
		name = path.Dir(name)
	}
	return path.Join(Root, name)
}
