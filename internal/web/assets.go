package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// staticFiles is what browsers fetch as it is.
//
//go:embed static
var staticFiles embed.FS

// mediaTypes of the files there are, by extension.
var mediaTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".ico":         "image/x-icon",
	".wav":         "audio/wav",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
}

// assets are the static files and, for scripts, the messages. All are under one directory that
// is named after their content, so that modules find each other by relative names and browsers
// may keep what they have for ever.
type assets struct {
	root  string
	files map[string]*asset
}

// asset is a file, ready to be sent.
type asset struct {
	mediaType string
	plain     []byte
	gzipped   []byte // nil: it would be no smaller
}

func loadAssets(l *languages) (*assets, error) {
	a := &assets{files: make(map[string]*asset)}
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		return a.add(strings.TrimPrefix(name, "static/"), content)
	})
	if err != nil {
		return nil, err
	}
	for _, c := range l.all {
		if err := a.addMessages(c); err != nil {
			return nil, err
		}
	}
	a.root = "/static/" + a.hash()
	return a, nil
}

// addMessages adds what the messenger says in a language: messages/LANGUAGE.json.
func (a *assets) addMessages(c *catalogue) error {
	texts := make(map[string]string)
	for _, each := range []*catalogue{c.fallback, c} {
		if each == nil {
			continue
		}
		for key, text := range each.texts {
			if strings.HasPrefix(key, "messenger.") {
				texts[key] = text
			}
		}
	}
	content, err := json.Marshal(texts)
	if err != nil {
		return err
	}
	return a.add("messages/"+c.name+".json", content)
}

func (a *assets) add(name string, content []byte) error {
	mediaType, ok := mediaTypes[path.Ext(name)]
	if !ok {
		return fmt.Errorf("static/%s: no media type is known for it", name)
	}
	file := &asset{mediaType: mediaType, plain: content}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if b.Len() < len(content) {
		file.gzipped = b.Bytes()
	}
	a.files[name] = file
	return nil
}

// hash returns a name for all the content there is.
func (a *assets) hash() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		fmt.Fprintf(h, "%s %d\n", name, len(a.files[name].plain))
		h.Write(a.files[name].plain)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// url returns the path of a file; the error is one of the template that names it.
func (a *assets) url(name string) (string, error) {
	if _, ok := a.files[name]; !ok {
		return "", fmt.Errorf("there is no file static/%s", name)
	}
	return a.root + "/" + name, nil
}

// ServeHTTP implements http.Handler for all paths under /static/.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, here := strings.CutPrefix(r.URL.Path, a.root+"/")
	file, ok := a.files[name]
	if !here || !ok {
		http.NotFound(w, r) // a page from before an update asks for it; nobody reads the answer
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	content := file.plain
	if file.gzipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
			content = file.gzipped
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // whoever asked may be gone
}

// acceptsGzip reports whether the browser takes it. All that do say so plainly.
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if name, _, weighed := strings.Cut(coding, ";"); strings.TrimSpace(name) == "gzip" && !weighed {
			return true
		}
	}
	return false
}
