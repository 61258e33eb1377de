package archtest

import (
	"path"
	"slices"
	"strings"
)

// layer says what a group of packages may import of the module.
type layer struct {
	of  string   // pattern of the importing packages
	may []string // patterns; nil for nothing
	why string
}

// anything stands for the whole module, except cmd.
const anything = "**"

// layers are DESIGN.md's import directions. The first that matches a package
// counts; what is written nowhere may import anything but cmd. Patterns are
// those of match. A package may always import what lies below its own folder
// if its layer lists it, so the tables name every permission.
func layers() []layer {
	const (
		record       = "scanner/record"
		conversation = "scanner/conversation"
		opening      = "scanner/conversation/opening"
	)
	return []layer{
		{record, nil, "records are the stable format and stand on the standard library"},
		{conversation, []string{record}, "conversations are a leaf beside records"},
		{opening, []string{record, conversation}, "an opening is a conversation"},
		{"scanner/targets/**", []string{record}, "targets know hosts and nothing else"},
		{"scanner/transport/**", []string{record, conversation}, "transports drive conversations and know no protocol"},
		{"scanner/*probe/**", []string{record, conversation, opening, "scanner/tlsprobe/**"}, "probes know no transport and no engine; only TLS may lie below another protocol"},
		{"scanner/probes", []string{record, conversation, "scanner/*probe/**"}, "the list of probes knows the probes"},
		{"scanner/**", []string{"scanner/**"}, "the engine does not know what its observations are for"},
		{"fingerprints/**", []string{record, "fingerprints/**"}, "fingerprints are derived from records alone"},
		{"intel/**", nil, "routing data knows addresses and nothing else of hostkin"},
		{"cluster/**", []string{record, "fingerprints/**", "cluster/**", "internal/hugepage"}, "judgement is over fingerprints, whoever gathered them"},
		{"casefile/**", []string{record, "scanner/targets", "fingerprints/**", "casefile/**"}, "a case keeps what was seen and what is derived of it, and neither scans nor judges"},
		{"expand/**", []string{"scanner/**", "fingerprints/**", "cluster/**", "expand/**"}, "expand joins scanner and cluster"},
		{"report/**", []string{record, "fingerprints/**", "cluster/**", "expand/**", "report/**"}, "reports render results"},
		{anything, []string{anything}, "nothing imports the command"},
	}
}

// libraries are the modules of others that a package may import; limited is
// false where it may be any.
func libraries(pkg string) (may []string, limited bool) {
	switch {
	case match("scanner/record", pkg):
		return nil, true
	case match("intel/**", pkg):
		return []string{"github.com/oschwald/maxminddb-golang/v2"}, true
	}
	return nil, false
}

// helper reports whether pkg holds test helpers, by the standard library's
// custom (httptest, iotest, fstest).
func helper(pkg string) bool { return strings.HasSuffix(pkg, "test") }

// match reports whether a package (its path inside the module, "." for the
// root) fits a pattern: path.Match, and a final /** also takes what lies below.
func match(pattern, pkg string) bool {
	if pattern == anything {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/**"); ok {
		n := strings.Count(base, "/") + 1
		parts := strings.Split(pkg, "/")
		pattern, pkg = base, strings.Join(parts[:min(n, len(parts))], "/")
	}
	ok, err := path.Match(pattern, pkg)
	return ok && err == nil
}

func matchAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, pkg) })
}

// inCommand, inside and pure tell which rules apply to a package.
func inCommand(pkg string) bool { return match("cmd/**", pkg) }
func inside(pkg string) bool    { return match("internal/**", pkg) || helper(pkg) }

// pure packages see neither socket nor clock nor file. tcpprobe is not one:
// it listens to the network interfaces.
func pure(pkg string) bool {
	return matchAny([]string{"scanner/record", "scanner/conversation", "scanner/conversation/opening", "scanner/*probe/**", "scanner/probes", "fingerprints/**", "cluster/**"}, pkg) &&
		!match("scanner/tcpprobe/**", pkg) && !inside(pkg)
}

// ban forbids an import (name empty) or the use of package-level names of it.
type ban struct {
	pkg   string   // import path, or pattern of match
	names []string // patterns of path.Match
	where func(pkg string) bool
	why   string
}

func bans() []ban {
	outsideCommand := func(pkg string) bool { return !inCommand(pkg) }
	library := func(pkg string) bool { return !inCommand(pkg) && !inside(pkg) }
	const (
		decides = "only the command ends the process"
		streams = "streams are injected"
		logs    = "libraries take a *slog.Logger"
		socket  = "protocols are free of I/O: a transport connects"
		clock   = "protocols and judgements see no clock"
	)
	return []ban{
		{"os", []string{"Exit"}, outsideCommand, decides},
		{"log", nil, outsideCommand, logs},
		{"log/slog", []string{"Debug*", "Info*", "Warn*", "Error*", "Log", "LogAttrs", "Default", "SetDefault"}, outsideCommand, logs},
		{"github.com/projectdiscovery/gologger/**", nil, outsideCommand, logs},
		{"os", []string{"Stdin", "Stdout", "Stderr"}, outsideCommand, streams},
		{"fmt", []string{"Print", "Printf", "Println", "Scan*"}, outsideCommand, streams},
		{"context", []string{"Background", "TODO"}, library, "a context comes from the caller"},
		{"os/**", nil, pure, "pure packages touch no files and run nothing"},
		{"syscall", nil, pure, socket},
		{"golang.org/x/sys/**", nil, pure, socket},
		{"net/http", []string{"Get", "Post*", "Head", "Default*", "Client", "*Transport", "Server", "Listen*", "Serve*"}, pure, socket},
		{"net", []string{"Dial*", "Listen*", "Lookup*", "Resolve*", "Default*", "File*", "Interface*"}, pure, socket},
		{"crypto/tls", []string{"Dial*", "Listen*"}, pure, socket},
		{"time", []string{"Now", "Since", "Until", "After*", "Sleep", "Tick", "NewTimer", "NewTicker"}, pure, clock},
	}
}

// vague are package names that say nothing about what is inside.
func vague(name string) bool {
	return slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "base", "shared"}, name)
}
