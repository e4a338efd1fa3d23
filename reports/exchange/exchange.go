// Package exchange writes snapshots to files that other programs read, and reads them back.
//
// A file is CSV, Parquet, GraphML or an edge list, by the ending of its name, and comes with a description beside it: where
// the numbers are from, what each column means and in what unit, how many rows there are and their digest. [Export] makes
// hosts, edges and hits for those who analyse them, each in one file, or everything in a folder, from which [Import] makes a
// snapshot that gives the same reports.
//
// Unless asked for exact ones, Export replaces what tells which host was met: addresses by Crypto-PAn under a [Key], ports,
// names and servent GUIDs, and addresses inside texts.
//
// What is written is streamed: of a snapshot of any size, only its IPv4 addresses are held in memory, and these only where
// they are replaced. The files get their names when they are whole; until then they have others, which begin with a dot.
package exchange
