// The judge opens a bundle with code that is not ours: golang.org/x/mod/sumdb, which checks Go's own
// transparency log.
//
//	judge FOLDER VKEY [HELD VKEY]
//
// FOLDER is a bundle, HELD a checkpoint from before, each with the key of the log that has signed
// it. It says what it found right, or ends with status 1 and what is wrong.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) < 3 {
		fail("usage: judge FOLDER VKEY [HELD VKEY]")
	}
	folder, keys := os.Args[1], []note.Verifier{logKey(os.Args[2])}
	if lines, err := os.ReadFile(filepath.Join(folder, "witnesses.vkey")); err == nil {
		for _, line := range strings.Fields(string(lines)) {
			keys = append(keys, witnessKey(line))
		}
	}
	tree := opened(read(folder, "checkpoint"), keys...)
	entries := bytes.Split(bytes.TrimSuffix(read(folder, "entries.jsonl"), []byte("\n")), []byte("\n"))
	if _, err := os.Stat(filepath.Join(folder, "proofs")); err == nil {
		judgePart(folder, tree, entries, keys...)
		return
	}
	judgeWhole(folder, tree, entries)
	if len(os.Args) > 4 {
		held, err := os.ReadFile(os.Args[3])
		check(err)
		judgeHistory(folder, opened(held, logKey(os.Args[4])), tree)
	}
}

// judgeWhole: each entry is the one that the tiles have at its place, up to the root; so are the
// bundles of entries.
func judgeWhole(folder string, tree tlog.Tree, entries [][]byte) {
	if int64(len(entries)) != tree.N {
		fail("%d entries, and the checkpoint is of %d", len(entries), tree.N)
	}
	var places []int64
	for n := range entries {
		places = append(places, tlog.StoredHashIndex(0, int64(n)))
	}
	// What it reads it checks against the root.
	hashes, err := tlog.TileHashReader(tree, tiles(folder)).ReadHashes(places)
	check(err)
	for n, entry := range entries {
		if tlog.RecordHash(entry) != hashes[n] {
			fail("the entry at %d is not the one in the tiles", n)
		}
	}
	for first := 0; first < len(entries); first += 256 {
		some := entries[first:min(first+256, len(entries))]
		var bundle []byte
		for _, entry := range some {
			bundle = append(bundle, byte(len(entry)>>8), byte(len(entry)))
			bundle = append(bundle, entry...)
		}
		name := tilePath("entries", int64(first/256), len(some))
		if !bytes.Equal(bundle, read(folder, name)) {
			fail("%s does not hold its entries", name)
		}
	}
	fmt.Printf("%d entries, each in the tiles and under the root\n", len(entries))
}

// judgePart: the proof of each entry leads from it to the root of its own checkpoint.
func judgePart(folder string, tree tlog.Tree, entries [][]byte, keys ...note.Verifier) {
	proofs, err := filepath.Glob(filepath.Join(folder, "proofs", "*.tlog-proof"))
	check(err)
	if len(proofs) != len(entries) {
		fail("%d entries, and %d proofs", len(entries), len(proofs))
	}
	found := map[tlog.Hash]bool{}
	for _, name := range proofs {
		data, err := os.ReadFile(name)
		check(err)
		above, below, _ := strings.Cut(string(data), "\n\n")
		lines := strings.Split(above, "\n")
		if lines[0] != "c2sp.org/tlog-proof@v1" || opened([]byte(below), keys...) != tree {
			fail("%s is no proof of this checkpoint", name)
		}
		index := number(strings.TrimPrefix(lines[1], "index "))
		var proof tlog.RecordProof
		for _, line := range lines[2:] {
			hash, err := tlog.ParseHash(line)
			check(err)
			proof = append(proof, hash)
		}
		for _, entry := range entries {
			leaf := tlog.RecordHash(entry)
			if tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf) == nil {
				found[leaf] = true
			}
		}
	}
	if len(found) != len(entries) {
		fail("%d of %d entries are proved", len(found), len(entries))
	}
	fmt.Printf("%d entries, each proved under the root of %d\n", len(entries), tree.N)
}

// judgeHistory: the tree that was held is the beginning of the one that is here.
func judgeHistory(folder string, held, tree tlog.Tree) {
	proof, err := tlog.ProveTree(tree.N, held.N, tlog.TileHashReader(tree, tiles(folder)))
	check(err)
	check(tlog.CheckTree(proof, tree.N, tree.Hash, held.N, held.Hash))
	fmt.Printf("the first %d are those that were signed then\n", held.N)
}

// opened reads a checkpoint (C2SP tlog-checkpoint) that all of the keys have signed.
func opened(data []byte, keys ...note.Verifier) tlog.Tree {
	read, err := note.Open(data, note.VerifierList(keys...))
	check(err)
	if len(read.Sigs) != len(keys) {
		fail("%d of %d keys have signed", len(read.Sigs), len(keys))
	}
	lines := strings.Split(read.Text, "\n")
	if len(lines) != 4 || lines[0] != keys[0].Name() {
		fail("no checkpoint of %s: %q", keys[0].Name(), read.Text)
	}
	root, err := tlog.ParseHash(lines[2])
	check(err)
	return tlog.Tree{N: number(lines[1]), Hash: root}
}

// tiles reads tiles where C2SP tlog-tiles has them; Go's own log has their height in the path.
type tiles string

func (folder tiles) Height() int { return 8 }

func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(string(folder), tilePath(strconv.Itoa(tile.L), tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (folder tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// tilePath is Go's own path without the height, and with a word or a number for the level.
func tilePath(level string, n int64, width int) string {
	path := tlog.Tile{H: 8, L: 0, N: n, W: width}.Path()
	return "tile/" + level + strings.TrimPrefix(path, "tile/8/0")
}

func read(folder, name string) []byte {
	data, err := os.ReadFile(filepath.Join(folder, name))
	check(err)
	return data
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, facts ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", facts...)
	os.Exit(1)
}
