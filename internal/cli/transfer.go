package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/config"
	"monarch/internal/foreign"
	"monarch/internal/store"
	"monarch/internal/transfer"
)

type exportCmd struct {
	File string `arg:"" help:"The file to write, which must not exist: .jsonl or .jsonl.gz for everything, .csv for accounts alone, or a directory, with a slash behind it, for CSV files."`
}

// Help gives the example.
func (*exportCmd) Help() string {
	return "monarch export accounts.jsonl.gz\nmonarch export accounts.csv\nmonarch export accounts/"
}

// Run writes what the database has at one moment, while a server runs or not.
func (c *exportCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	_, done, err := a.service(ctx, mustExist) // where no server runs, the database is of this release then
	if err != nil {
		return err
	}
	done()
	s, err := store.OpenToRead(ctx, cfg.DatabaseURL())
	if err != nil {
		return err
	}
	defer func() { a.closed("database", s.Close()) }()
	p := a.progress()
	got, err := transfer.Export(ctx, c.File, p.tell, s.Export)
	p.end()
	if err != nil {
		return err
	}
	what := plural(got.Accounts, "account", "accounts")
	if !transfer.AccountsAlone(c.File) {
		what += " and " + plural(got.Contacts, "contact", "contacts")
	}
	a.record(ctx, cfg, audit.Event{What: audit.AccountsExported, Note: filepath.Base(c.File) + ": " + what})
	fmt.Fprintf(a.stdout, "Wrote %s to %s. It has the hashes of passwords in it; keep it to yourself.\n", what, c.File)
	return nil
}

type importCmd struct {
	File       string `arg:"" help:"What to import: a file or directory that an export has written, a table of accounts (.csv), or, with --from, the database of another service: a file of SQLite, a dump of MariaDB or MySQL, or a postgres:// address."`
	From       string `enum:"monarch,escargot,r2m" default:"monarch" help:"Whose accounts they are. Without it, Monarch's." placeholder:"escargot|r2m"`
	OnConflict string `enum:"fail,skip,replace" default:"fail" help:"What becomes of accounts that are here already: fail imports nothing, skip leaves them as they are, replace makes them what the file says. Without it, fail." placeholder:"fail|skip|replace"`
	DryRun     bool   `help:"Tell what would happen and what is wrong, and change nothing. The server may be running."`
	Partial    bool   `help:"Leave out what is wrong and import the rest."`
	Report     string `help:"Write everything that was found to this file, a line each; else the first few are shown." placeholder:"FILE"`
}

// Help gives the example.
func (*importCmd) Help() string {
	return "monarch import --dry-run accounts.jsonl.gz\nmonarch import accounts.csv\nmonarch import --on-conflict skip accounts/\n" +
		"monarch import --from escargot --partial escargot.sqlite"
}

// conflicts are the answers of --on-conflict.
var conflicts = map[string]store.Conflict{"fail": store.Refuse, "skip": store.Keep, "replace": store.Replace}

// Run imports, while no server runs.
func (c *importCmd) Run(ctx context.Context, a *app) (err error) {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	source, closed, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { a.closed("source", closed()) }()
	s, done, err := c.destination(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	hasher := auth.NewHasher(runtime.GOMAXPROCS(0), 0, auth.DefaultParams)
	p := a.progress()
	i := &transfer.Importer{
		Source: source, Store: s, Conflict: conflicts[c.OnConflict], Partial: c.Partial,
		Hash: hasher.Hash, Tell: p.tell,
	}
	if c.Report != "" {
		f, fault := os.OpenFile(c.Report, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if fault != nil {
			return fmt.Errorf("write the report: %w", fault)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		i.Findings = f
	}
	do := i.Import
	if c.DryRun {
		do = i.Check
	}
	sum, err := do(ctx)
	p.end()
	if !c.DryRun && sum.New+sum.Replaced+sum.Listed > 0 {
		a.record(context.WithoutCancel(ctx), cfg, audit.Event{What: audit.AccountsImported, Note: fmt.Sprintf("%s: %d made, %d replaced, %d contacts",
			c.source(), sum.New, sum.Replaced, sum.Listed)})
	}
	return c.tell(a, sum, err)
}

// open returns what to import from, and what ends the use of it.
func (c *importCmd) open(ctx context.Context) (transfer.Source, func() error, error) {
	if c.From == "monarch" {
		source, err := transfer.Open(c.File)
		return source, func() error { return nil }, err
	}
	d, err := foreign.Open(ctx, foreign.Kind(c.From), c.File)
	if err != nil {
		return nil, nil, err
	}
	return d, d.Close, nil
}

// source names what is imported from, without what may be secret.
func (c *importCmd) source() string {
	name := filepath.Base(c.File)
	if store.IsPostgres(c.File) || strings.Contains(c.File, "://") {
		name = "database"
	}
	if c.From != "monarch" {
		name += " of " + c.From
	}
	return name
}

// destination returns where to import to: for a dry run what can only be read.
func (c *importCmd) destination(ctx context.Context, cfg config.Config) (*store.Store, func() error, error) {
	url := cfg.DatabaseURL()
	if c.DryRun {
		return rehearsal(ctx, cfg)
	}
	if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make data directory: %w", err)
	}
	release, err := admin.Occupy(cfg.Data.Dir, "accounts are being imported")
	if errors.Is(err, admin.ErrRunning) {
		err = fmt.Errorf("%w\nAn import needs the database to itself: stop the server, import, and start it again; --dry-run can do without", err)
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := store.OpenWith(ctx, store.Config{URL: url, MaxConnections: 1})
	if err != nil {
		return nil, nil, errors.Join(err, release())
	}
	if err := s.Alone(ctx); err != nil {
		return nil, nil, errors.Join(err, s.Close(), release())
	}
	return s, func() error { return errors.Join(s.Close(), release()) }, nil
}

// rehearsal returns the database as it is, or one without accounts where there is none.
func rehearsal(ctx context.Context, cfg config.Config) (*store.Store, func() error, error) {
	url := cfg.DatabaseURL()
	_, err := os.Stat(databaseFile(cfg))
	if store.IsPostgres(url) || !errors.Is(err, fs.ErrNotExist) {
		s, err := store.OpenToRead(ctx, url)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
	dir, err := os.MkdirTemp("", "monarch-")
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "monarch.db"))
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, func() error { return errors.Join(s.Close(), os.RemoveAll(dir)) }, nil
}

// tell says what was found, what was done, and what to do next.
func (c *importCmd) tell(a *app, sum transfer.Summary, err error) error {
	c.tellFindings(a.stdout, sum)
	accounts, contacts := plural(sum.Accounts-sum.There, "account", "accounts"), plural(sum.Contacts, "contact", "contacts")
	stopped := errors.Is(err, context.Canceled)
	switch {
	case stopped && c.DryRun, stopped && sum.New+sum.Replaced+sum.Kept+sum.Listed == 0:
		fmt.Fprintln(a.stdout, "Nothing was changed.")
		return err
	case stopped:
		fmt.Fprintf(a.stdout, "Stopped. %s with %s are in and stay. To go on: %s\n", plural(sum.New+sum.Replaced+sum.Kept, "account", "accounts"),
			plural(sum.Listed, "contact", "contacts"), a.command("import "+c.again()+shellWord(c.File)))
		return err
	case errors.Is(err, transfer.ErrWrong), err == nil && c.DryRun && sum.Wrong > 0 && !c.Partial:
		return fmt.Errorf("%w: %s. New and in order are %s with %s.\nMend the file, or import these alone with --partial",
			transfer.ErrWrong, plural(sum.Wrong, "thing is wrong", "things are wrong"), accounts, contacts)
	case err != nil:
		return err
	}
	if n := sum.Roles; n > 0 {
		fmt.Fprintf(a.stdout, "The file gives a role to %s: they manage the service. \"user role\" takes it away.\n", plural(n, "account", "accounts"))
	}
	if n := sum.NoPassword; n > 0 {
		fmt.Fprintf(a.stdout, "%s %s no password that anybody knows: give one with \"user passwd\", or let people reset theirs at the website.\n",
			plural(n, "account", "accounts"), map[bool]string{true: "has", false: "have"}[n == 1])
	}
	if c.DryRun {
		fmt.Fprintf(a.stdout, "An import would make %s and put in %s%s. Nothing was changed.\n", accounts, contacts, c.there(sum))
		return nil
	}
	fmt.Fprintf(a.stdout, "Imported %s with %s.", plural(sum.New, "account", "accounts"), plural(sum.Listed, "contact", "contacts"))
	if sum.Replaced > 0 {
		fmt.Fprintf(a.stdout, " Replaced %d.", sum.Replaced)
	}
	if sum.Kept > 0 {
		fmt.Fprintf(a.stdout, " %d were here and are as they were.", sum.Kept)
	}
	fmt.Fprintf(a.stdout, "\nStart the server: %s\n", a.command("serve"))
	return nil
}

// again is how an import that was interrupted goes on.
func (c *importCmd) again() string {
	flags := "--on-conflict skip "
	if c.OnConflict == "replace" {
		flags = "--on-conflict replace "
	}
	if c.From != "monarch" {
		flags += "--from " + c.From + " "
	}
	if c.Partial {
		flags += "--partial "
	}
	return flags
}

// there says of accounts that are here what becomes of them.
func (c *importCmd) there(sum transfer.Summary) string {
	if sum.There == 0 {
		return ""
	}
	fate := map[string]string{"fail": "would be left out", "skip": "would stay as they are", "replace": "would be replaced"}[c.OnConflict]
	return fmt.Sprintf("; %s already here %s", plural(sum.There, "account", "accounts"), fate)
}

// tellFindings shows some of what was found, or where all of it is.
func (c *importCmd) tellFindings(w io.Writer, sum transfer.Summary) {
	n := sum.Wrong + sum.Noted
	if n == 0 {
		return
	}
	if c.Report != "" {
		fmt.Fprintf(w, "What was found is in %s: %s, of which %d %s wrong.\n", c.Report, plural(n, "line", "lines"), sum.Wrong,
			map[bool]string{true: "is", false: "are"}[sum.Wrong == 1])
		return
	}
	for _, f := range sum.Findings {
		mark := "wrong"
		if f.Note {
			mark = "note "
		}
		fmt.Fprintf(w, "%s  %s\n", mark, clean(f.String()))
	}
	if more := n - len(sum.Findings); more > 0 {
		fmt.Fprintf(w, "and %d more, which --report FILE writes down\n", more)
	}
}
