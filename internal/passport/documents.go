package passport

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strings"
	"text/template"
)

// builtIn holds the documents of a server that was given none.
//
//go:embed templates
var builtIn embed.FS

// documentKinds are the documents there are, with the ending of their files. A file named
// kind.ending is for every market, kind.market.ending (MsgrConfig.fr-FR.xml) for one.
var documentKinds = map[string]string{
	"MsgrConfig":  ".xml",
	"tabs":        ".xml",
	"abch_config": ".xml",
	"portal":      ".html",
}

// documentData is what a template may use. Values are to be written {{html .Name}}, which
// escapes for XML as well.
type documentData struct {
	Name   string // of the service
	URL    string // of its pages
	Site   string // the website, or ""
	Market string // which the document is for
}

// documents are rendered, by kind and market.
type documents map[string]map[string][]byte

// loadDocuments renders the built-in documents and, in their place, those in directory
// dir, if it is not "".
func loadDocuments(dir string, data documentData) (*documents, error) {
	inner, err := fs.Sub(builtIn, "templates")
	if err != nil {
		return nil, fmt.Errorf("built-in documents: %w", err)
	}
	docs := make(documents)
	if err := docs.add(inner, data); err != nil {
		return nil, fmt.Errorf("built-in documents: %w", err)
	}
	if dir != "" {
		if err := docs.add(os.DirFS(dir), data); err != nil {
			return nil, fmt.Errorf("documents in %s: %w", dir, err)
		}
	}
	return &docs, nil
}

// add renders every document in the root of files. Files with other endings are none of
// ours; one with the right ending and an unknown name is a slip.
func (d documents) add(files fs.FS, data documentData) error {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	for _, entry := range entries {
		ending := path.Ext(entry.Name())
		if entry.IsDir() || ending != ".xml" && ending != ".html" {
			continue
		}
		kind, market, special := strings.Cut(strings.TrimSuffix(entry.Name(), ending), ".")
		if !special {
			market = defaultMarket
		}
		if documentKinds[kind] != ending {
			return fmt.Errorf("%s: no document has this name", entry.Name())
		}
		data.Market = market
		body, err := render(files, entry.Name(), data)
		if err != nil {
			return err
		}
		if d[kind] == nil {
			d[kind] = make(map[string][]byte)
		}
		d[kind][market] = body
	}
	return nil
}

func render(files fs.FS, name string, data documentData) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").ParseFS(files, name)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("fill in template: %w", err)
	}
	return b.Bytes(), nil
}

// find returns the document for a market, or the one for all.
func (d documents) find(kind, market string) []byte {
	if body, ok := d[kind][market]; ok {
		return body
	}
	return d[kind][defaultMarket]
}

// document answers with a document of svcs.microsoft.com, which says its locale in any of
// three ways.
func (s *Server) document(kind, contentType string) handler {
	return func(_ context.Context, q *request) *response {
		v := query(q.query)
		body := s.documents.Load().find(kind, market(v["clcid"], v["plcid"], v["lc"]))
		return documentResponse(contentType, body)
	}
}

// messengerConfig is the configuration service: the document itself to GET, and inside an
// envelope to the POST of later clients. docs/protocol/passport.md#configuration
func (s *Server) messengerConfig(_ context.Context, q *request) *response {
	docs := s.documents.Load()
	if q.method != "POST" {
		v := query(q.query)
		return documentResponse(typeXML, docs.find("MsgrConfig", market(v["clcid"], v["plcid"])))
	}
	texts, err := xmlTexts(q.body, "CLCID", "PLCID")
	if err != nil {
		s.cfg.Log.Debug("configuration for nobody knows where", "err", err)
	}
	return documentResponse(typeXML, envelope(docs.find("MsgrConfig", market(texts["CLCID"], texts["PLCID"]))))
}

// envelope wraps a document for SOAP, as text.
func envelope(document []byte) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
		`<GetClientConfigResponse xmlns="http://www.msn.com/webservices/Messenger/Client"><GetClientConfigResult><![CDATA[`)
	b.Write(bytes.ReplaceAll(document, []byte("]]>"), []byte("]]]]><![CDATA[>")))
	b.WriteString(`]]></GetClientConfigResult></GetClientConfigResponse></soap:Body></soap:Envelope>
`)
	return b.Bytes()
}

func documentResponse(contentType string, body []byte) *response {
	return &response{
		status: 200,
		fields: []field{{"Cache-Control", "private"}, {"Content-Type", contentType}},
		body:   body,
	}
}

// query returns the first value of each parameter, by its name in lower case. What cannot
// be decoded is left out.
func query(text string) map[string]string {
	values, _ := url.ParseQuery(text) // keeps what it could read
	first := make(map[string]string, len(values))
	for name, v := range values {
		first[strings.ToLower(name)] = v[0]
	}
	return first
}
