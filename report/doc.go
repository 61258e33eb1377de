// Package report renders results for people (tables on a terminal) and for
// programs (JSON Lines). Whatever came from the network passes through Safe, or
// through JSON's own escapes, before it is written.
package report
