package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hostkin/hostkin/internal/daemon"
	"github.com/hostkin/hostkin/scanner/record"
)

// Ports of databases and of xrdp.
const (
	mysqlPort    = 13306
	postgresPort = 15432
	redisPort    = 16379
	rdpPort      = 13389
)

// database is what is spoken on one of their ports, or "".
func database(port uint16) string {
	switch port {
	case mysqlPort:
		return "mysql"
	case postgresPort:
		return "postgres"
	case redisPort:
		return "redis"
	case rdpPort:
		return "rdp"
	}
	return ""
}

// turnedAway reports whether a server refused us in words that are stock.
func turnedAway(o record.Observation) bool { return o.Status == record.Alert && o.MySQL != nil }

func (s *stage) databases() {
	s.mariadb()
	s.postgres()
	s.redis()
	s.xrdp()
}

// mariadb puts up the packaged server, with and without a certificate, and one
// that lets in nobody from elsewhere, as it is after its installation.
func (s *stage) mariadb() {
	product := s.version("mariadb-server")
	for i, options := range [][]string{
		{},
		{"--ssl-cert=" + s.certs[0], "--ssl-key=" + s.certs[0]},
		{"--skip-name-resolve"},
	} {
		a := s.place(product, mysqlPort)
		dir := s.folder(fmt.Sprintf("mariadb-%d", i), "")
		conf := s.write(fmt.Sprintf("mariadb-%d.cnf", i), s.packaged("/etc/mysql/mariadb.conf.d/50-server.cnf",
			"/run/mysqld/mysqld.pid", filepath.Join(dir, "pid"), "bind-address            = 127.0.0.1", "bind-address = "+a.String()))
		same := []string{"--defaults-file=" + conf, "--datadir=" + filepath.Join(dir, "data")}
		if os.Getuid() == 0 {
			same = append(same, "--user=root")
		}
		s.run("mariadb-install-db", append(same, "--skip-test-db")...)
		args := append(same, fmt.Sprintf("--port=%d", mysqlPort), "--socket="+filepath.Join(dir, "socket"))
		s.start("mariadbd", at(a, mysqlPort), append(args, options...)...)
	}
}

// postgres puts up the server as PostgreSQL builds it, without TLS, and as
// Debian does, with a certificate of snakeoil.
func (s *stage) postgres() {
	initdb, err := daemon.Find("initdb")
	if err != nil {
		s.fail(err)
		return
	}
	server, err := daemon.Find("postgres")
	if err != nil {
		s.fail(err)
		return
	}
	product := "postgresql"
	if v := strings.Fields(s.run(server, "--version")); len(v) > 2 {
		product = "postgresql " + v[2] + " " + system() // the package is named for the version
	}
	owner := ""
	as := []string{"env"}
	if os.Getuid() == 0 { // which the server refuses to be; a change of user would clear the signal at the end of the parent
		owner = "postgres"
		as = []string{"setpriv", "--reuid=" + owner, "--regid=" + owner, "--clear-groups", "--pdeathsig=TERM"}
	}
	run := func(args ...string) []string { return append(as[:len(as):len(as)], args...) }
	for i, cert := range append([]string{""}, s.certs...) {
		a := s.place(product, postgresPort)
		dir := s.folder(fmt.Sprintf("postgres-%d", i), owner)
		data := filepath.Join(dir, "data")
		init := run(initdb, "--no-sync", "--locale=C.UTF-8", "-D", data)
		s.run(init[0], init[1:]...)
		args := run(server, "-D", data, "-k", dir, "-h", a.String(), "-p", fmt.Sprint(postgresPort))
		if cert != "" {
			key := filepath.Join(dir, "key.pem") // must be its own
			copied := run("install", "-m", "600", cert, key)
			s.run(copied[0], copied[1:]...)
			args = append(args, "-c", "ssl=on", "-c", "ssl_cert_file="+key, "-c", "ssl_key_file="+key)
		}
		s.start(args[0], at(a, postgresPort), args[1:]...)
	}
}

// redis puts up the packaged server, and one with a password. What its
// protected mode says to others than loopback stands in negative.yaml.
func (s *stage) redis() {
	product := s.version("redis-server")
	for i, password := range []string{"", "requirepass foobared\n"} {
		a := s.place(product, redisPort)
		dir := s.folder(fmt.Sprintf("redis-%d", i), "")
		conf := s.packaged("/etc/redis/redis.conf", "bind 127.0.0.1 -::1", "bind "+a.String(), "port 6379", fmt.Sprintf("port %d", redisPort),
			"daemonize yes", "daemonize no", "pidfile /run/redis/redis-server.pid", "pidfile "+filepath.Join(dir, "pid"),
			"logfile /var/log/redis/redis-server.log", `logfile ""`, "dir /var/lib/redis", "dir "+dir)
		s.start("redis-server", at(a, redisPort), s.write(fmt.Sprintf("redis-%d.conf", i), conf+password))
	}
}

// xrdp puts up the packaged server with each of its security layers.
func (s *stage) xrdp() {
	product := s.version("xrdp")
	for i, layer := range []string{"negotiate", "tls", "rdp"} {
		a := s.place(product, rdpPort)
		conf := s.packaged("/etc/xrdp/xrdp.ini", "port=3389", "port=tcp://"+at(a, rdpPort).String(), "security_layer=negotiate", "security_layer="+layer,
			"\ncertificate=\n", "\ncertificate="+s.certs[0]+"\n", "\nkey_file=\n", "\nkey_file="+s.certs[0]+"\n", "LogFile=xrdp.log", "LogFile="+s.path(fmt.Sprintf("log/xrdp-%d", i)))
		s.start("xrdp", at(a, rdpPort), "--nodaemon", "--config", s.write(fmt.Sprintf("xrdp-%d.ini", i), conf))
		s.commands[len(s.commands)-1].Ask = connectionRequest()
	}
}

// connectionRequest is the first message of RDP (MS-RDPBCGR 2.2.1.1), without
// which it says nothing.
func connectionRequest() []byte {
	return []byte("\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00")
}

// folder makes a folder of the stage, for a user if owner is not "".
func (s *stage) folder(name, owner string) string {
	dir := s.path(name)
	args := []string{"-d", "-m", "700"}
	if owner != "" {
		args = append(args, "-o", owner)
	}
	s.run("install", append(args, dir)...)
	return dir
}
