package web

import (
	"bytes"
	"embed"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// templateFiles are the pages, in a directory for each area. Those in base are what all pages
// share, and parts.html of an area what its pages do.
//
//go:embed templates
var templateFiles embed.FS

// pages are all templates, once for each language.
type pages struct {
	byLanguage map[string]map[string]*template.Template // by "area/name"
	choices    []choice                                 // the languages, for the switch
}

// parts are what is in the binary and the same for every website.
type parts struct {
	languages *languages
	assets    *assets
	pages     *pages
}

// contents reads them once in a process: packing and parsing them takes a moment.
var contents = sync.OnceValues(func() (p parts, err error) {
	if p.languages, err = loadLanguages(); err != nil {
		return p, err
	}
	if p.assets, err = loadAssets(p.languages); err != nil {
		return p, err
	}
	p.pages, err = loadPages(p.languages, p.assets)
	return p, err
})

func loadPages(l *languages, a *assets) (*pages, error) {
	p := &pages{byLanguage: make(map[string]map[string]*template.Template)}
	for _, c := range l.all {
		set, err := parsePages(c, a)
		if err != nil {
			return nil, err
		}
		p.byLanguage[c.name] = set
		p.choices = append(p.choices, choice{c.name, c.text("base.language")})
	}
	return p, nil
}

// parsePages reads the templates in one language. A page redefines parts of the layout.
func parsePages(c *catalogue, a *assets) (map[string]*template.Template, error) {
	shared, err := template.New("").Funcs(template.FuncMap{
		"t": c.text, "rich": c.rich, "link": link, "code": code, "asset": a.url, "moment": moment, "time": readable,
		"number": c.number, "mebi": c.mebi, "segment": url.PathEscape, "lower": lower, "dot": dot,
	}).ParseFS(templateFiles, "templates/base/*.html")
	if err != nil {
		return nil, err
	}
	set := make(map[string]*template.Template)
	files, err := fs.Glob(templateFiles, "templates/*/*.html")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html")
		if set[name], err = parsePage(shared, file); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// parsePage reads a page, and before it parts.html of its area, if there is one.
func parsePage(shared *template.Template, file string) (*template.Template, error) {
	page, err := shared.Clone()
	if err != nil {
		return nil, err
	}
	files := []string{file}
	parts := path.Join(path.Dir(file), "parts.html")
	if _, err := fs.Stat(templateFiles, parts); err == nil && parts != file {
		files = []string{parts, file}
	}
	return page.ParseFS(templateFiles, files...)
}

// moment returns a time as programs read it.
func moment(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// readable returns a time as everybody reads it. Scripts show it as it is where the reader lives.
func readable(seconds int64) string {
	return time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04 UTC")
}

// link makes a link for a rich text.
func link(href, text string) template.HTML {
	return template.HTML(fmt.Sprintf(`<a href="%s">%s</a>`, html.EscapeString(href), html.EscapeString(text))) //nolint:gosec // both are escaped
}

// code marks a name for a rich text that is to be typed as it is.
func code(text string) template.HTML {
	return template.HTML("<code>" + html.EscapeString(text) + "</code>") //nolint:gosec // it is escaped
}

// download answers with a file that the browser saves.
func download(w http.ResponseWriter, name, mediaType string, content []byte) error {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // whoever asked may be gone
	return nil
}

// view is what a template sees.
type view struct {
	*visitor
	Service   string   // its name
	Path      string   // of the page, with its query
	Languages []choice // all of them
	Data      any      // the page's own
}

// At reports whether the page belongs to an area, by the path where that begins.
func (v view) At(area string) bool {
	rest, under := strings.CutPrefix(v.Path, area)
	return under && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

// choice is one of several languages.
type choice struct{ Value, Name string }

// page answers with a page.
func (s *Server) page(w http.ResponseWriter, r *http.Request, name string, data any) error {
	return s.pageWith(http.StatusOK, w, r, name, data)
}

// pageWith answers with a page and a status.
func (s *Server) pageWith(status int, w http.ResponseWriter, r *http.Request, name string, data any) error {
	return s.render(status, w, r, name, "layout.html", data)
}

// render answers with one block of a page; all of it is the layout.
func (s *Server) render(status int, w http.ResponseWriter, r *http.Request, name, block string, data any) error {
	v := visitorOf(r)
	tmpl, ok := s.pages.byLanguage[v.Language()][name]
	if !ok {
		return fmt.Errorf("there is no page %s", name)
	}
	at := r.URL.Path
	if r.Method == http.MethodGet {
		at = r.URL.RequestURI()
	}
	var b bytes.Buffer
	err := tmpl.ExecuteTemplate(&b, block, view{
		visitor: v, Service: s.cfg.Name, Path: at, Languages: s.pages.choices, Data: data,
	})
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	s.rememberVisitor(w, v)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Language())
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // whoever asked may be gone
	return nil
}
