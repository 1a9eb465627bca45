package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func logKey(vkey string) note.Verifier {
	verifier, err := note.NewVerifier(vkey)
	check(err)
	return verifier
}

// witness verifies cosignatures (C2SP tlog-cosignature), which this release of sumdb/note does not
// know: 8 bytes of time, and an Ed25519 signature of the time and the checkpoint.
type witness struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

func witnessKey(vkey string) note.Verifier {
	parts := strings.SplitN(vkey, "+", 3)
	hash, err := hex.DecodeString(parts[1])
	check(err)
	key, err := base64.StdEncoding.DecodeString(parts[2])
	check(err)
	if len(key) != 33 || key[0] != 4 {
		fail("%s is no key of a witness", vkey)
	}
	return witness{parts[0], binary.BigEndian.Uint32(hash), key[1:]}
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }

func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, text)
	return ed25519.Verify(w.public, []byte(message), signature[8:])
}
