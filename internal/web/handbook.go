package web

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"monarch/docs"
	"monarch/internal/handbook"
)

// handbookRoutes are the pages for operators, which everybody may read: they say nothing about this
// very service.
func (s *Server) handbookRoutes(mux *http.ServeMux) {
	mux.Handle("GET /docs", s.do(s.handbookPage))
	mux.Handle("GET /docs/{page...}", s.do(s.handbookPage))
	mux.Handle("GET /docs/index", s.do(s.handbookIndex))
}

// theHandbook is made when somebody reads it first: most nodes never need it.
var theHandbook = sync.OnceValues(func() (*handbook.Book, error) { return handbook.Read(docs.Files) })

// handbookData is what a page of the handbook shows.
type handbookData struct {
	Parts []handbook.Part
	Page  *handbook.Page
	Index []letter // of the index only
}

// letter is what the index has under a letter.
type letter struct {
	Name  string
	Terms []handbook.Term
}

func (s *Server) handbookPage(w http.ResponseWriter, r *http.Request) error {
	book, err := theHandbook()
	if err != nil {
		return err
	}
	if picture, ok := book.Picture(r.URL.Path); ok {
		h := w.Header()
		h.Set("Content-Type", mediaTypes[".svg"])
		h.Set("Content-Length", strconv.Itoa(len(picture)))
		_, _ = w.Write(picture) //nolint:gosec // it is a file of ours; whoever asked may be gone
		return nil
	}
	page, ok := book.Page(r.URL.Path)
	if !ok {
		return errNotFound
	}
	return s.page(w, r, "handbook/chapter", handbookData{Parts: book.Parts, Page: page})
}

func (s *Server) handbookIndex(w http.ResponseWriter, r *http.Request) error {
	book, err := theHandbook()
	if err != nil {
		return err
	}
	data := handbookData{Parts: book.Parts, Page: &handbook.Page{Path: "/docs/index"}}
	for _, term := range book.Index {
		name := groupOf(term.Name)
		if n := len(data.Index); n == 0 || data.Index[n-1].Name != name {
			data.Index = append(data.Index, letter{Name: name})
		}
		last := &data.Index[len(data.Index)-1]
		last.Terms = append(last.Terms, term)
	}
	return s.page(w, r, "handbook/index", data)
}

// groupOf returns the heading under which the index has a name: the section of a setting, the program
// of a command, or what addresses begin with.
func groupOf(name string) string {
	group, rest, _ := strings.Cut(name, " ")
	if strings.HasPrefix(rest, "/") { // after a method
		parts := strings.SplitN(rest, "/", 4)
		return strings.Join(parts[:len(parts)-1], "/")
	}
	group, _, _ = strings.Cut(group, ".")
	return group
}
