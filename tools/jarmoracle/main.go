// Jarmoracle prints the JARM that github.com/hdm/jarm-go computes for each
// HOST:PORT argument, one a line. The real-server tests compare hostkin's with it.
//
// With -hellos it prints instead the ten hellos that jarm-go sends to
// HOST:PORT, in hex; random bytes and GREASE values differ from run to run.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hdm/jarm-go"
)

func main() {
	hellos := flag.Bool("hellos", false, "print the hellos, send nothing")
	flag.Parse()
	for _, target := range flag.Args() {
		if err := show(target, *hellos); err != nil {
			fmt.Fprintln(os.Stderr, "jarmoracle:", err)
			os.Exit(1)
		}
	}
}

func show(target string, hellos bool) error {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	var answers []string
	for _, probe := range jarm.GetProbes(host, number) {
		hello := jarm.BuildProbe(probe)
		if hellos {
			fmt.Printf("%x\n", hello)
			continue
		}
		data, err := ask(target, hello)
		if err != nil {
			return err
		}
		answer, err := jarm.ParseServerHello(data, probe)
		if err != nil {
			return err
		}
		answers = append(answers, answer)
	}
	if !hellos {
		fmt.Println(jarm.RawHashToFuzzyHash(strings.Join(answers, ",")))
	}
	return nil
}

// ask reads until a first record is whole, which jarm-go's own scanner does
// not, so that a split ServerHello is no difference between the two.
func ask(target string, hello []byte) ([]byte, error) {
	conn, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(hello); err != nil {
		return nil, nil // refused as soon as connected: no answer
	}
	buf := make([]byte, 1484)
	n, _ := io.ReadAtLeast(conn, buf, 5)
	if n >= 5 {
		record := min(5+int(buf[3])<<8+int(buf[4]), len(buf))
		if n < record {
			m, _ := io.ReadAtLeast(conn, buf[n:], record-n)
			n += m
		}
	}
	return buf[:n], nil
}
