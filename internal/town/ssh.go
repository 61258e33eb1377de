package town

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"github.com/hostkin/hostkin/internal/daemon"
)

// A process may bind only so many addresses: MAX_LISTEN_SOCKS of OpenSSH,
// DROPBEAR_MAX_PORTS of dropbear.
const (
	perSSHD     = 16
	perDropbear = 10
)

// ssh starts one process for each set of machines with equal keys and
// settings, or several if they are too many for one.
func (l *layout) ssh(machines []*machine) []daemon.Command {
	type image struct {
		keys    *hostKeys
		product string
		conf    string
	}
	var order []image
	hosts := map[image][]netip.AddrPort{}
	for _, m := range machines {
		if m.ssh == nil {
			continue
		}
		i := image{m.ssh.keys, m.ssh.product, m.ssh.conf}
		if hosts[i] == nil {
			order = append(order, i)
		}
		hosts[i] = append(hosts[i], netip.AddrPortFrom(m.addr, l.ports.SSH))
	}
	if os.Geteuid() == 0 && l.err == nil {
		l.err = os.MkdirAll("/run/sshd", 0o755) // sshd's empty folder, compiled in
	}
	penalties := ""
	if knowsPenalties() {
		penalties = "PerSourcePenalties no\n"
	}
	var commands []daemon.Command
	for n, i := range order {
		start, most := l.sshd, perSSHD
		if i.product == dropbear {
			start, most = l.dropbear, perDropbear
		}
		files := l.hostKeyFiles(fmt.Sprintf("keys/%d", n), i.keys, i.product)
		for part, listen := 0, hosts[i]; len(listen) > 0; part++ {
			some := listen[:min(most, len(listen))]
			listen = listen[len(some):]
			commands = append(commands, start(fmt.Sprintf("ssh-%d-%d", n, part), files, penalties+i.conf, some))
		}
	}
	return commands
}

// knowsPenalties asks whether sshd punishes addresses that do not log in
// (OpenSSH 9.8): a scan from loopback would be shut out. Older ones call the
// option bad.
func knowsPenalties() bool {
	out, _ := exec.Command("sshd", "-t", "-f", os.DevNull, "-o", "PerSourcePenalties=no").CombinedOutput()
	return !strings.Contains(string(out), "Bad configuration option")
}

func (l *layout) hostKeyFiles(stem string, keys *hostKeys, product string) []string {
	var files []string
	for i, key := range keys.keys {
		encode := opensshFile
		if product == dropbear {
			encode = dropbearFile
		}
		content, err := encode(key)
		if err != nil && l.err == nil {
			l.err = err
		}
		files = append(files, l.write(stem+"-"+keys.kinds[i], content))
	}
	return files
}

func (l *layout) sshd(name string, keys []string, conf string, listen []netip.AddrPort) daemon.Command {
	var c lines
	for _, a := range listen {
		c.add("ListenAddress %s", a)
	}
	for _, k := range keys {
		c.add("HostKey %s", k)
	}
	// Debian's sshd_config, less what needs the system around it (PAM, PID
	// file); nobody logs in here, and a scan may not run into limits.
	c.add("PidFile none\nUsePAM no\nKbdInteractiveAuthentication no\nPasswordAuthentication no\nMaxStartups 200:30:400\nLoginGraceTime 15")
	c.add("StrictModes no\n%s", conf)
	path := l.write(name+".conf", []byte(c.String()))
	return l.command("sshd", name, listen[len(listen)-1], "-D", "-e", "-f", path)
}

func (l *layout) dropbear(name string, keys []string, _ string, listen []netip.AddrPort) daemon.Command {
	args := []string{"-F", "-E", "-s", "-P", l.dir + "/" + name + ".pid"}
	for _, k := range keys {
		args = append(args, "-r", k)
	}
	for _, a := range listen {
		args = append(args, "-p", a.String())
	}
	return l.command("dropbear", strings.TrimSpace(name), listen[len(listen)-1], args...)
}
