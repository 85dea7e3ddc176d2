package web

// guide leads somebody with a program to the service. Names, texts and titles are keys of messages.
// What it says is that of docs/clients.
type guide struct {
	ID      string
	Kind    string // official, other or none: nothing to install
	Name    string
	About   string
	Warning string   // "": none
	Systems []string // those it runs on, the likeliest first; none: it does not matter
	Steps   []step
	Notes   []string
	Windows bool // whether it is one of those whose failures are told of under the steps
}

// step is one of a guide.
type step struct {
	Title string
	Text  []string
	Block string // what else there is to it: a block of the template
	File  string // a file that does it; see connectFiles
	Patch bool   // whether the patcher is another way

	Windows, Unix bool // only there
}

// system is what a program runs on.
type system struct {
	ID        string
	Name      string
	Hosts     string // where its hosts file is
	HostsHint string
	Import    string // how a certificate is imported
	TLS       string // what to set
	Old       bool   // whether it may want certificates that are signed with SHA-1
	Unix      bool
}

// The values of guide.Kind.
const (
	official = "official"
	other    = "other"
	nothing  = "none"
)

var systems = []system{
	{
		ID: "98", Name: "connect.sys_98", Hosts: `C:\WINDOWS\HOSTS`, HostsHint: "connect.hosts_98",
		Import: "connect.import_98", TLS: "connect.tls_old", Old: true,
	},
	{
		ID: "2000", Name: "connect.sys_2000", Hosts: `C:\WINNT\system32\drivers\etc\hosts`, HostsHint: "connect.hosts_2000",
		Import: "connect.import_98", TLS: "connect.tls_old", Old: true,
	},
	{
		ID: "xp", Name: "connect.sys_xp", Hosts: `C:\WINDOWS\system32\drivers\etc\hosts`, HostsHint: "connect.hosts_2000",
		Import: "connect.import_xp", TLS: "connect.tls_old", Old: true,
	},
	{
		ID: "7", Name: "connect.sys_7", Hosts: `C:\Windows\System32\drivers\etc\hosts`, HostsHint: "connect.hosts_7",
		Import: "connect.import_7", TLS: "connect.tls_7",
	},
	{
		ID: "11", Name: "connect.sys_11", Hosts: `C:\Windows\System32\drivers\etc\hosts`, HostsHint: "connect.hosts_7",
		Import: "connect.import_7", TLS: "connect.tls_11",
	},
	{ID: "unix", Name: "connect.sys_unix", Hosts: "/etc/hosts", HostsHint: "connect.hosts_unix", Unix: true},
}

func systemNamed(id string) system {
	for _, each := range systems {
		if each.ID == id {
			return each
		}
	}
	return system{}
}

// Steps that several guides have.
var (
	hostsStep    = step{Title: "connect.hosts_title", Block: "hosts"}
	certStep     = step{Title: "connect.cert_title", Block: "certificate"}
	tlsStep      = step{Title: "connect.tls_title", Block: "tls"}
	clockStep    = step{Title: "connect.clock_title", Text: []string{"connect.clock"}}
	passwordStep = step{Title: "connect.password_title", Text: []string{"connect.password"}}
)

var guides = []guide{
	{
		ID: "msn-messenger-5-6", Kind: official, Name: "connect.msn5", About: "connect.msn5_about",
		Systems: []string{"xp", "98", "2000", "7", "11"}, Windows: true,
		Steps: []step{
			{Title: "connect.hosts_title", Block: "hosts", Patch: true},
			certStep, tlsStep, clockStep,
			{Title: "connect.forget_title", Text: []string{"connect.forget"}, File: "messenger-forget.reg"},
			{Title: "connect.signin_title", Text: []string{"connect.msn5_signin", "connect.password"}},
		},
		Notes: []string{
			"connect.msn5_note_pictures", "connect.msn5_note_files", "connect.msn5_note_mail", "connect.msn5_note_tabs",
			"connect.msn5_note_elsewhere",
		},
	},
	{
		ID: "msn-messenger-1-4", Kind: official, Name: "connect.msn1", About: "connect.msn1_about", Warning: "connect.msn1_warning",
		Systems: []string{"98", "2000", "xp"},
		Steps: []step{
			{Title: "connect.msn1_instead_title", Text: []string{"connect.msn1_instead"}},
			{Title: "connect.msn1_record_title", Text: []string{"connect.msn1_record"}, File: "messenger-1-4.reg"},
		},
	},
	{
		ID: "windows-messenger", Kind: official, Name: "connect.winmsgr", About: "connect.winmsgr_about", Warning: "connect.winmsgr_warning",
		Systems: []string{"xp", "2000"}, Windows: true,
		Steps: []step{
			hostsStep, certStep, tlsStep, clockStep,
			{Title: "connect.winmsgr_server_title", Text: []string{"connect.winmsgr_server"}, File: "messenger-1-4.reg"},
			{Title: "connect.signin_title", Text: []string{"connect.winmsgr_signin", "connect.password"}},
		},
		Notes: []string{"connect.winmsgr_note_passport", "connect.winmsgr_note_both", "connect.winmsgr_note_assistance"},
	},
	{
		ID: "pidgin", Kind: other, Name: "connect.pidgin", About: "connect.pidgin_about", Warning: "connect.pidgin_warning",
		Systems: []string{"unix", "xp", "7", "11", "2000", "98"},
		Steps: []step{
			hostsStep,
			{Title: "connect.account_title", Text: []string{"connect.pidgin_account"}, Block: "settings"},
			{Title: "connect.file_title", Text: []string{"connect.pidgin_file"}, File: "pidgin.xml"},
			{Title: "connect.cert_title", Text: []string{"connect.pidgin_cert"}, Block: "pem"},
			passwordStep,
		},
		Notes: []string{"connect.pidgin_note_http", "connect.pidgin_note_remove", "connect.pidgin_note_privacy"},
	},
	{
		ID: "amsn", Kind: other, Name: "connect.amsn", About: "connect.amsn_about",
		Systems: []string{"unix", "xp", "2000", "98", "7", "11"},
		Steps: []step{
			{Title: "connect.amsn_tls_title", Text: []string{"connect.amsn_tls"}},
			hostsStep,
			{Title: "connect.amsn_server_title", Text: []string{"connect.amsn_server"}, File: "amsn.xml"},
			{Title: "connect.signin_title", Text: []string{"connect.amsn_signin"}},
		},
		Notes: []string{"connect.amsn_note_list", "connect.amsn_note_again"},
	},
	{
		ID: "bitlbee", Kind: other, Name: "connect.bitlbee", About: "connect.bitlbee_about", Warning: "connect.bitlbee_warning",
		Systems: []string{"unix"},
		Steps: []step{
			{Title: "connect.hosts_title", Text: []string{"connect.bitlbee_where"}, Block: "hosts"},
			{Title: "connect.account_title", Text: []string{"connect.bitlbee_account"}, File: "bitlbee.txt"},
			passwordStep,
			{Title: "connect.bitlbee_talk_title", Text: []string{"connect.bitlbee_talk"}},
		},
		Notes: []string{"connect.bitlbee_note_pictures", "connect.bitlbee_note_leave"},
	},
	{
		ID: "miranda", Kind: other, Name: "connect.miranda", About: "connect.miranda_about", Warning: "connect.miranda_warning",
		Systems: []string{"xp", "98", "2000", "7", "11"}, Windows: true,
		Steps: []step{
			hostsStep, certStep, tlsStep, clockStep,
			{Title: "connect.account_title", Text: []string{"connect.miranda_account"}, Block: "settings"},
			{Title: "connect.file_title", Text: []string{"connect.miranda_file"}, File: "miranda.ini"},
			passwordStep,
		},
		Notes: []string{"connect.miranda_note_host", "connect.miranda_note_openssl"},
	},
	{
		ID: "centerim", Kind: other, Name: "connect.centerim", About: "connect.centerim_about",
		Systems: []string{"unix"},
		Steps: []step{
			hostsStep,
			{Title: "connect.account_title", Text: []string{"connect.centerim_account"}, Block: "settings"},
			{Title: "connect.signin_title", Text: []string{"connect.centerim_signin"}},
		},
		Notes: []string{"connect.centerim_note"},
	},
	{
		ID: "monarch-chat", Kind: other, Name: "connect.chat", About: "connect.chat_about",
		Steps: []step{
			{Title: "connect.chat_get_title", Text: []string{"connect.chat_get"}},
			{Title: "connect.cert_title", Text: []string{"connect.chat_cert"}, Block: "pem"},
			{Title: "connect.signin_title", Text: []string{"connect.chat_start"}, Block: "chat"},
		},
		Notes: []string{"connect.chat_note_keys", "connect.chat_note_files"},
	},
	{
		ID: "web", Kind: nothing, Name: "connect.web", About: "connect.web_about",
		Steps: []step{
			{Title: "connect.web_account_title", Text: []string{"connect.web_account"}},
			{Title: "connect.signin_title", Text: []string{"connect.web_open"}, Block: "web"},
		},
		Notes: []string{"connect.web_note_both", "connect.web_note_sound"},
	},
}

func guideNamed(id string) *guide {
	for i := range guides {
		if guides[i].ID == id {
			return &guides[i]
		}
	}
	return nil
}
