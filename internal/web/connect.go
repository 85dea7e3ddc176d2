package web

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"monarch/internal/patch"
)

// connectRoutes are guides for clients, the files that go with them, and the patcher.
func (s *Server) connectRoutes(mux *http.ServeMux) {
	mux.Handle("GET /connect", s.do(s.connect))
	mux.Handle("GET /connect/guide", s.do(s.chooseGuide))
	mux.Handle("GET /connect/patch", s.do(s.patcher))
	mux.Handle("GET /connect/{client}", s.do(s.guide))
	mux.Handle("GET /connect/files/{file}", s.do(s.connectFile))
}

// connectData is the page where people choose their program.
type connectData struct {
	surroundings
	Guides  []guide
	Systems []system
	Files   []string // names of all files that there are here
}

// Of returns the guides of a kind.
func (d connectData) Of(kind string) []guide {
	return slices.DeleteFunc(slices.Clone(d.Guides), func(g guide) bool { return g.Kind != kind })
}

func (s *Server) connect(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, "connect/connect", connectData{
		surroundings: s.surroundings(r, nil), Guides: guides, Systems: systems, Files: s.connectFiles(),
	})
}

// chooseGuide leads to what was chosen in the form.
func (s *Server) chooseGuide(w http.ResponseWriter, r *http.Request) error {
	g := guideNamed(r.FormValue("client"))
	if g == nil {
		return errNotFound
	}
	to := url.URL{Path: "/connect/" + g.ID}
	if id := r.FormValue("system"); slices.Contains(g.Systems, id) {
		to.RawQuery = url.Values{"system": {id}}.Encode()
	}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return nil
}

// guideData is what a guide shows.
type guideData struct {
	surroundings
	Guide   *guide
	System  system
	Systems []system // on which the program runs
}

// Steps are those of the system.
func (d guideData) Steps() []step {
	return slices.DeleteFunc(slices.Clone(d.Guide.Steps), func(st step) bool {
		return st.Windows && d.System.Unix || st.Unix && !d.System.Unix
	})
}

// SystemURL returns where the guide for another system is.
func (d guideData) SystemURL(id string) string {
	return "/connect/" + d.Guide.ID + d.query("system", id)
}

// Snippet returns the text of a file, to be read before it is opened.
func (d guideData) Snippet(file string) string {
	maker, ok := connectFiles[file]
	if !ok {
		return ""
	}
	return strings.TrimSpace(string(maker.content(d.surroundings)))
}

// FileName returns what a file is saved as.
func (d guideData) FileName(file string) string { return connectFiles[file].name }

// HostsFile returns the name of the file with the lines for the system.
func (d guideData) HostsFile() string {
	if d.System.Unix {
		return "hosts-unix.txt"
	}
	return "hosts.txt"
}

// ChatCommand returns what starts the messenger in the terminal, from another machine.
func (d guideData) ChatCommand() string {
	command := "monarch chat " + d.Handle + " --server " + d.DispatchHost
	if d.DispatchPort != dispatchPort {
		command += ":" + d.DispatchPort
	}
	if d.Authority != nil {
		command += " --ca monarch-ca.pem"
	}
	return command
}

func (s *Server) guide(w http.ResponseWriter, r *http.Request) error {
	g := guideNamed(r.PathValue("client"))
	if g == nil {
		return errNotFound
	}
	d := guideData{Guide: g}
	for _, each := range systems {
		if slices.Contains(g.Systems, each.ID) {
			d.Systems = append(d.Systems, each)
		}
	}
	if len(d.Systems) > 0 {
		d.System = systemNamed(g.Systems[0])
		if id := r.FormValue("system"); slices.Contains(g.Systems, id) {
			d.System = systemNamed(id)
		}
	}
	d.surroundings = s.surroundings(r, &d.System)
	return s.page(w, r, "connect/guide", d)
}

// patchData is the page of the patcher.
type patchData struct {
	surroundings
	Texts   []patch.Text
	Foreign bool // whether passwords go to a name of the original service
	Table   patchTable
}

// patchTable is what the script on the page works with.
type patchTable struct {
	Texts []patch.Text      `json:"texts"`
	Say   map[string]string `json:"say"`
}

// Short reports whether a name is short enough for each text.
func (d patchData) Short() bool {
	return !slices.ContainsFunc(d.Texts, func(t patch.Text) bool { return t.Ours == "" })
}

func (s *Server) patcher(w http.ResponseWriter, r *http.Request) error {
	texts := s.patchTexts()
	say := make(map[string]string)
	for _, key := range patchMessages {
		say[key] = visitorOf(r).text.text(key)
	}
	around := s.surroundings(r, nil)
	return s.page(w, r, "connect/patch", patchData{
		surroundings: around, Texts: texts, Foreign: patch.Foreign(around.LoginHost),
		Table: patchTable{texts, say},
	})
}

// patchMessages are what the script of the patcher may say.
var patchMessages = []string{
	"connect.patch_no_program", "connect.patch_too_large", "connect.patch_unreadable", "connect.patch_nothing",
	"connect.patch_already", "connect.patch_none_short", "connect.patch_found", "connect.patch_version",
	"connect.patch_unsuited", "connect.patch_stays", "connect.patch_long", "connect.patch_no_change",
}

// patchTexts returns what is to be changed in a Messenger that is to sign in here.
func (s *Server) patchTexts() []patch.Text {
	c := s.cfg.Clients
	dispatch, _ := c.dispatch(s.cfg.Host)
	return patch.NamesOf(s.cfg.Host, dispatch, c.loginHost()).Texts()
}

// Say returns a text of the area with everything that may be in it.
func (a surroundings) Say(key string) template.HTML { return a.text.rich(key, a.values...) }
