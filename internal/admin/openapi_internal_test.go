package admin

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write openapi.json and docs/api.md anew")

// object is one of JSON.
type object = map[string]any

// area is a part of the interface, by what its paths begin with.
type area struct {
	name, doc string
	begins    []string
}

var areas = []area{
	{"Accounts", "Accounts, their contacts and mailboxes.", []string{"accounts", "mail"}},
	{"Sessions", "Who is signed in.", []string{"sessions"}},
	{"Service", "The service as a whole: how it is doing, its nodes, its configuration, its end.", []string{
		"nodes", "notices", "backups", "reloads", "listeners", "keys", "status", "history", "errors",
	}},
	{"Invites", "Codes that let people sign up at the website.", []string{"invites"}},
	{"Networks", "From where people may come.", []string{"networks"}},
	{"Audit", "What was recorded.", []string{"audit"}},
	{"Webhooks", "Programs elsewhere that are told of events.", []string{"webhooks"}},
	{"Tokens", "What programs manage the service with, and this description.", []string{"tokens", "me", "openapi.json"}},
}

// named are the parameters within paths.
var named = map[string]parameter{
	"email": {"email", "string", "The account's address.", "alice@example.com"},
	"name":  {"name", "string", "The node's name.", "node-1"},
	"code":  {"code", "string", "The invite code.", "K7MQ-2XFP-9D3H"},
	"id":    {"id", "string", "The webhook's id.", "wh_4FQ7ZJ2KXM5A"},
	"token": {"token", "string", "The id or the name of the token.", "deploy"},
}

// statusDocs say what a status means, of success and of refusal.
var statusDocs = map[int]string{
	200: "It is done, or this is what there is.",
	201: "It is made.",
	204: "It is done.",
	400: "The body or a parameter is wrong; field tells which, where it is one.",
	401: "There is no token, or a wrong one: revoked, expired, or never one.",
	403: "The caller may not do this: a scope is missing, or it comes from where the service cannot be managed.",
	404: "There is nothing of that name.",
	409: "It cannot be done as things are; code tells why.",
	413: "The body is too large.",
	415: "The body is not application/json.",
	422: "The configuration is wrong, and nothing has changed.",
	429: "Too many wrong tokens came from the caller's address; Retry-After tells when to try again, in seconds.",
	500: "Something went wrong, which the server's log tells.",
	502: "Another node was needed, and does not answer.",
	503: "The database is away, or there is too much to do just now. Trying again later helps.",
}

// refusals are the statuses with which an operation may be refused.
func (o *route) refusals() []int {
	all := append([]int{400, 401, 403, 429, 500, 503}, o.refuses...)
	if o.body != nil {
		all = append(all, 413, 415)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (o *route) area(t *testing.T) area {
	t.Helper()
	first, _, _ := strings.Cut(strings.TrimPrefix(o.path, Root+"/"), "/")
	i := slices.IndexFunc(areas, func(a area) bool { return slices.Contains(a.begins, first) })
	if i < 0 {
		t.Fatalf("%s belongs to no area; add one to areas in this test", o.path)
	}
	return areas[i]
}

var wildcard = regexp.MustCompile(`\{(\w+)\}`)

// description makes the document.
type description struct {
	t       *testing.T
	schemas object
}

func (d *description) document() object {
	paths := object{}
	for _, o := range new(Service).routes() {
		if paths[o.path] == nil {
			paths[o.path] = object{}
		}
		paths[o.path].(object)[strings.ToLower(o.method)] = d.operation(o)
	}
	d.schema(reflect.TypeFor[Problem](), "", "")
	var tags []object
	for _, a := range areas {
		tags = append(tags, object{"name": a.name, "description": a.doc})
	}
	return object{
		"openapi": "3.0.3",
		"info": object{
			"title": "Monarch, management", "version": "1",
			"description": "Everything that operators do with a running service. docs/api.md is an introduction.",
		},
		"servers": []object{{"url": "/", "description": "ops.listen, or the website"}},
		"tags":    tags, "paths": paths,
		"components": object{
			"schemas": d.schemas,
			"securitySchemes": object{"token": object{
				"type": "http", "scheme": "bearer",
				"description": "A token of `monarch token create`. x-scope of an operation is what the token must have.",
			}},
		},
	}
}

func (d *description) operation(o route) object {
	if o.scope == "" || o.summary == "" || o.notes == "" {
		d.t.Errorf("%s %s has no scope, no summary or no notes", o.method, o.path)
	}
	op := object{
		"operationId": operationID(o), "tags": []string{o.area(d.t).name}, "summary": o.summary,
		"description": o.notes + "\n\n" + scopeText(o), "responses": d.responses(o),
	}
	if o.scope != anybody {
		op["security"] = []object{{"token": []string{}}}
	}
	if o.scope != anybody && o.scope != somebody {
		op["x-scope"] = o.scope
	}
	var parameters []object
	for _, m := range wildcard.FindAllStringSubmatch(o.path, -1) {
		p, ok := named[m[1]]
		if !ok {
			d.t.Errorf("%s: the parameter %s is not described; add it to named in this test", o.path, m[1])
		}
		parameters = append(parameters, p.object("path"))
	}
	for _, p := range o.query {
		parameters = append(parameters, p.object("query"))
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	if o.body != nil {
		op["requestBody"] = object{"required": true, "content": object{"application/json": d.content(o.body)}}
	}
	return op
}

func (d *description) responses(o route) object {
	success := object{"description": statusDocs[o.success()]}
	if o.answer != nil {
		success["content"] = object{"application/json": d.content(o.answer)}
	}
	if o.located {
		success["headers"] = object{"Location": object{"description": "Where it is found.", "schema": object{"type": "string"}}}
	}
	all := object{strconv.Itoa(o.success()): success}
	for _, status := range o.refusals() {
		all[strconv.Itoa(status)] = object{
			"description": statusDocs[status],
			"content":     object{"application/problem+json": object{"schema": object{"$ref": "#/components/schemas/Problem"}}},
		}
		if statusDocs[status] == "" {
			d.t.Errorf("status %d is not described; add it to statusDocs in this test", status)
		}
	}
	return all
}

func (d *description) content(v any) object {
	t := reflect.TypeOf(v)
	return object{"schema": d.schema(t, "", ""), "example": d.example(t, "")}
}

func (p parameter) object(in string) object {
	schema := object{"type": p.kind}
	if p.name == "limit" {
		schema["minimum"], schema["maximum"] = 1, maxPage
	}
	made := object{"name": p.name, "in": in, "description": p.doc, "schema": schema}
	if in == "path" {
		made["required"] = true
	}
	if n, err := strconv.Atoi(p.example); err == nil && p.kind == "integer" {
		made["example"] = n
	} else if p.example != "" {
		made["example"] = p.example
	}
	return made
}

// operationID is get accounts email in one word.
func operationID(o route) string {
	id := strings.ToLower(o.method)
	for _, word := range regexp.MustCompile(`[a-z]+`).FindAllString(strings.TrimPrefix(o.path, Root), -1) {
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return id
}

func scopeText(o route) string {
	switch o.scope {
	case anybody:
		return "It needs no token."
	case somebody:
		return "It needs a token, whatever its scopes."
	}
	return fmt.Sprintf("It needs the scope `%s`.", o.scope)
}

// schema describes a type. Structs are described once, apart.
func (d *description) schema(t reflect.Type, enum, where string) object {
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return object{"type": "object", "additionalProperties": true}
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.schema(t.Elem(), enum, where)
	case reflect.Slice:
		items := d.schema(t.Elem(), enum, where)
		if t.Elem().Kind() == reflect.Pointer {
			items["nullable"] = true
		}
		return object{"type": "array", "items": items}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": d.schema(t.Elem(), "", where)}
	case reflect.Struct:
		return d.structure(t)
	case reflect.String:
		s := object{"type": "string"}
		switch {
		case enum == "scopes":
			s["enum"] = AllScopes()
		case enum != "":
			s["enum"] = strings.Fields(enum)
		}
		return s
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	}
	d.t.Errorf("%s is a %s, which is not described", where, t)
	return nil
}

func (d *description) structure(t reflect.Type) object {
	name := typeName(t)
	ref := object{"$ref": "#/components/schemas/" + name}
	if d.schemas[name] != nil {
		return ref
	}
	properties, required := object{}, []string{}
	d.schemas[name] = object{} // it may hold itself
	for _, f := range fields(t) {
		key, optional := jsonName(f)
		where := name + "." + key
		s := d.schema(f.Type, f.Tag.Get("enum"), where)
		if s["$ref"] != nil {
			s = object{"allOf": []object{s}}
		}
		if s["description"] = f.Tag.Get("doc"); s["description"] == "" {
			d.t.Errorf("%s has no tag doc", where)
		}
		if example := d.example(f.Type, f.Tag.Get("example")); example != nil && s["allOf"] == nil {
			s["example"] = example
		}
		properties[key] = s
		if !optional {
			required = append(required, key)
		}
	}
	made := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		made["required"] = required
	}
	d.schemas[name] = made
	return ref
}

// example returns a value of a type: what text says or, of a struct, what those of its fields say.
func (d *description) example(t reflect.Type, text string) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	isText := t.Kind() == reflect.String || t == reflect.TypeFor[time.Time]()
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return object{"openapi": "3.0.3"}
	case t == reflect.TypeFor[map[string]string]():
		return object{"notification": "192.0.2.1:1864"}
	case text != "" && isText:
		return text
	case text != "":
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			d.t.Errorf("the example %s of a %s: %v", text, t, err)
		}
		return v
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return []any{d.example(t.Elem(), "")}
	case t.Kind() == reflect.Struct && !isText:
		o := object{}
		for _, f := range fields(t) {
			key, _ := jsonName(f)
			if v := d.example(f.Type, f.Tag.Get("example")); v != nil {
				o[key] = v
			}
		}
		return o
	}
	return nil
}

// fields are those of a struct, and of those in it without a name.
func fields(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
		name, _ := jsonName(f)
		return f.Anonymous || name == "-" || !f.IsExported()
	})
}

func jsonName(f reflect.StructField) (name string, optional bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, options == "omitempty" || options == "omitzero"
}

// typeName is the name of a struct in the document: of List[admin.Account], AccountList.
func typeName(t reflect.Type) string {
	name := t.Name()
	if list, of, ok := strings.Cut(name, "["); ok {
		name = strings.TrimSuffix(of[strings.LastIndexAny(of, "./")+1:], "]") + list
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// TestTheInterfaceIsDescribed fails when openapi.json or docs/api.md is not what the table of operations
// says; go generate writes them.
func TestTheInterfaceIsDescribed(t *testing.T) {
	d := &description{t: t, schemas: object{}}
	doc := d.document()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		t.Fatal(err)
	}
	compare(t, "openapi.json", b.Bytes())
	const page = "../../docs/api.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin, _, ok := bytes.Cut(text, []byte(referenceBegins))
	if !ok {
		t.Fatalf("%s has no line %q", page, referenceBegins)
	}
	compare(t, page, append(append(begin, referenceBegins...), d.reference()...))
}

// compare compares a file with what it should be, or writes it.
func compare(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the table of operations says (%v); go generate ./internal/admin writes it", path, err)
	}
}

const referenceBegins = "<!-- From here on this page is made of the table of operations by go generate ./internal/admin. -->\n"

// reference is the part of docs/api.md that lists everything.
func (d *description) reference() []byte {
	var b bytes.Buffer
	routes := new(Service).routes()
	for _, a := range areas {
		mine := slices.DeleteFunc(slices.Clone(routes), func(o route) bool { return o.area(d.t).name != a.name })
		if len(mine) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", a.name, a.doc)
		for _, o := range mine {
			d.entry(&b, o)
		}
	}
	b.WriteString("\n## Scopes\n\nThose that moderators have are marked.\n\n| scope | moderators | opens |\n|---|---|---|\n")
	for _, scope := range AllScopes() {
		var opens []string
		for _, o := range routes {
			if o.scope == scope {
				opens = append(opens, "`"+o.method+" "+strings.TrimPrefix(o.path, Root)+"`")
			}
		}
		mark := map[bool]string{true: "yes"}[slices.Contains(moderators, scope)]
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", scope, mark, strings.Join(opens, ", "))
	}
	b.WriteString("\n## Types\n\nA field without *optional* is always there.\n")
	for _, name := range slices.Sorted(maps.Keys(d.schemas)) {
		s := d.schemas[name].(object)
		fmt.Fprintf(&b, "\n### %s\n\n| field | type | |\n|---|---|---|\n", name)
		required, _ := s["required"].([]string)
		properties := s["properties"].(object)
		for _, key := range slices.Sorted(maps.Keys(properties)) {
			p := properties[key].(object)
			kind := typeText(p)
			if !slices.Contains(required, key) {
				kind += ", optional"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", key, kind, p["description"])
		}
	}
	return b.Bytes()
}

func (d *description) entry(b *bytes.Buffer, o route) {
	fmt.Fprintf(b, "\n### `%s %s`\n\n%s. %s\n\n%s\n\n", o.method, o.path, o.summary, o.notes, scopeText(o))
	for _, p := range o.query {
		fmt.Fprintf(b, "* `?%s=`: %s\n", p.name, p.doc)
	}
	if o.body != nil {
		fmt.Fprintf(b, "* Body: %s\n", typeText(d.schema(reflect.TypeOf(o.body), "", "")))
	}
	answer := "nothing"
	if o.answer != nil {
		answer = typeText(d.schema(reflect.TypeOf(o.answer), "", ""))
	}
	fmt.Fprintf(b, "* Answer: %d %s, %s\n", o.success(), http.StatusText(o.success()), answer)
	var more []string
	for _, status := range o.refuses {
		more = append(more, fmt.Sprintf("%d %s", status, http.StatusText(status)))
	}
	if more != nil {
		fmt.Fprintf(b, "* Refusals of its own: %s\n", strings.Join(more, ", "))
	}
}

// typeText puts a schema in words.
func typeText(s object) string {
	if all, ok := s["allOf"].([]object); ok {
		s = all[0]
	}
	if ref, ok := s["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name))
	}
	text := fmt.Sprint(s["type"])
	switch enum := s["enum"].(type) {
	case []string:
		text = "one of `" + strings.Join(enum, "`, `") + "`"
	case []Scope:
		text = "[scope](#scopes)"
	}
	switch {
	case s["items"] != nil:
		return "list of " + typeText(s["items"].(object))
	case s["format"] != nil:
		return "time"
	case text == "object":
		if more, ok := s["additionalProperties"].(object); ok {
			return "object of " + typeText(more)
		}
	}
	return text
}
