package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"monarch/internal/command"
	"monarch/internal/config"
	"monarch/internal/patch"
)

type patchCmd struct {
	File   string   `arg:"" help:"A copy of msnmsgr.exe, of MSN Messenger 5.0 to 6.2. It is not changed."`
	Out    string   `help:"The file to write; it must not exist. Without it: beside the original, with -monarch in its name." placeholder:"FILE"`
	Host   []string `help:"A name of this service; of several, each place takes the first that is short enough. Without it: those of the configuration." placeholder:"NAME"`
	DryRun bool     `help:"Show what would change, and write nothing."`
}

// Help gives the example.
func (*patchCmd) Help() string {
	return "monarch patch msnmsgr.exe\nmonarch patch msnmsgr.exe --host im.example.com --dry-run"
}

// Run writes the copy.
func (c *patchCmd) Run(a *app) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	for _, name := range c.Host {
		if err := patch.CheckName(name); err != nil {
			return command.UsageError(err.Error())
		}
	}
	program, err := readProgram(c.File)
	if err != nil {
		return err
	}
	texts := c.names(cfg).Texts()
	r, err := patch.Patch(program, texts)
	if err != nil {
		return fmt.Errorf("%s: %w; it takes msnmsgr.exe of MSN Messenger 5.0 to 6.2, out of the directory where that is installed", c.File, err)
	}
	if err := c.show(a, r, texts); err != nil {
		return err
	}
	if len(r.Changes) == 0 {
		return nothingToPatch(c.File, r)
	}
	if c.DryRun {
		fmt.Fprintln(a.stdout, "\nNothing was written.")
		return nil
	}
	if err := c.write(a, r.Program); err != nil {
		return err
	}
	alsoNeeds(a, cfg)
	return nil
}

// names are those of the command, or of the configuration.
func (c *patchCmd) names(cfg config.Config) patch.Names {
	if len(c.Host) > 0 {
		return patch.Names{Dispatch: c.Host, Pages: c.Host}
	}
	dispatch := cfg.Service.Host
	if host, _, err := net.SplitHostPort(cfg.Advertised(cfg.Dispatch, cfg.Dispatch.Listen)); err == nil {
		dispatch = host
	}
	return patch.NamesOf(cfg.Service.Host, dispatch, loginHost(cfg))
}

// loginHost returns the name of the server that clients send passwords to.
func loginHost(cfg config.Config) string {
	host, _, _ := strings.Cut(cfg.Passport.LoginURL, "/")
	return host
}

// readProgram reads a file, unless it is larger than any program of interest.
func readProgram(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	defer f.Close()
	program, err := io.ReadAll(io.LimitReader(f, patch.MaxProgram+1))
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	return program, nil
}

// show tells what was found.
func (c *patchCmd) show(a *app, r patch.Result, texts []patch.Text) error {
	version := "which does not say its version"
	if r.Version.Known() {
		version = "version " + r.Version.String()
	}
	fmt.Fprintf(a.stdout, "%s, %s\n", c.File, version)
	if r.Version.Known() && !r.Version.Suits() {
		fmt.Fprintln(a.stdout, "This service is made for the versions 5.0 to 6.2; others may not sign in, whatever their names.")
	}
	var rows [][]string
	for _, change := range r.Changes {
		rows = append(rows, row(change.Place, change.Now))
	}
	for _, p := range r.Already {
		rows = append(rows, row(p, "stays: it leads here already"))
	}
	for _, p := range r.Left {
		rows = append(rows, row(p, "stays: no name is short enough"))
	}
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintln(a.stdout)
	if err := table(a.stdout, []string{"AT", "AS", "TEXT", "BECOMES"}, rows); err != nil {
		return err
	}
	for _, t := range texts {
		if slices.ContainsFunc(r.Left, func(p patch.Place) bool { return p.Text == t.Original }) {
			fmt.Fprintf(a.stdout, "\nFor %s a name may have %d characters. Choose a shorter one with --host,\n"+
				"or lead this one here with the hosts file.\n", t.Original, t.Room)
		}
	}
	return nil
}

func row(p patch.Place, becomes string) []string {
	return []string{fmt.Sprintf("0x%06x", p.Offset), string(p.Encoding), p.Text, becomes}
}

// nothingToPatch says why.
func nothingToPatch(file string, r patch.Result) error {
	switch {
	case len(r.Left) > 0:
		return fmt.Errorf("%s: nothing was written, because no name is short enough", file)
	case len(r.Already) > 0:
		return fmt.Errorf("%s: nothing was written, because it leads here already", file)
	}
	return fmt.Errorf("%s: nothing was written, because none of the texts is in it\n"+
		"It may be packed, patched for another service, or no Messenger of 5.0 to 6.2", file)
}

// write writes the copy, over nothing.
func (c *patchCmd) write(a *app, program []byte) error {
	out := c.Out
	if out == "" {
		ext := filepath.Ext(c.File)
		out = strings.TrimSuffix(c.File, ext) + "-monarch" + ext
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755) //nolint:gosec // a program, for whoever may run the original
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already; remove it, or choose another name with --out", out)
	}
	if err != nil {
		return fmt.Errorf("write the copy: %w", err)
	}
	_, err = f.Write(program)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the copy: %w", err)
	}
	fmt.Fprintf(a.stdout, "\nWrote %s. The original is as it was: keep it.\n", out)
	return nil
}

// alsoNeeds says what else the program needs, once it runs.
func alsoNeeds(a *app, cfg config.Config) {
	if login := loginHost(cfg); patch.Foreign(login) {
		fmt.Fprintf(a.stdout, "\nThis service tells clients to send passwords to %s. Either keep that name in the hosts\n"+
			"file, or set passport.login_url to a name of yours, like im.example.com/login2.srf.\n", login)
	}
	if _, port, err := net.SplitHostPort(cfg.Advertised(cfg.Dispatch, cfg.Dispatch.Listen)); err == nil && port != "1863" {
		fmt.Fprintf(a.stdout, "\nThe program connects to port 1863, but the dispatch server is at port %s. Redirect the port, or\n"+
			"set the registry as well: docs/clients/msn-messenger-5-6.md.\n", port)
	}
}
