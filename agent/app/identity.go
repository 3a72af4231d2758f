package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/link"
	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

// Files of the data folder that a pairing writes. pairing.json comes last: with it the agent is paired.
const (
	keyFile     = "identity.key"
	pairingFile = "pairing.json"
	pinFile     = "pin.json" // stays when the agent is paired anew: it is the PC's
)

// belongings are all files that belong to one pairing. Audio does not: it is named by its content.
var belongings = [...]string{pairingFile, keyFile, "trust.json", "floors", "state.db"}

var errDataFolder = problem.New("DATA_FOLDER", 500,
	"Không tạo được thư mục dữ liệu. Chọn thư mục khác ở khóa data, hoặc cấp quyền ghi cho loa-agent.",
	"The data folder cannot be made. Choose another one by the key data, or let loa-agent write there.").At("data")

// errIdentity: a pairing without its key is damage, not an agent that waits to be paired.
var errIdentity = problem.New("AGENT_IDENTITY_LOST", 500,
	"Không đọc được khóa của cụm loa. Ghép lại với máy chủ: loa-agent pair --hub ĐỊA_CHỈ --code MÃ.",
	"The agent's key cannot be read. Pair it again: loa-agent pair --hub ADDRESS --code CODE.")

// identity is whose agent this is.
type identity struct {
	Agent    string    `json:"agent"`
	Hub      string    `json:"hub"`
	Pin      string    `json:"hub_pin,omitempty"` // of the hub's key, as it was given at the pairing
	Name     string    `json:"name"`
	Area     string    `json:"area"`
	PairedAt time.Time `json:"paired_at"`

	key seal.Key
}

// makeDataDir makes the folder for its owner alone: it holds the agent's key. One that is there keeps its
// rights, for it may be somebody else's; the files in it are their owner's alone all the same.
func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return errDataFolder.With(err)
	}
	return nil
}

// loadIdentity reads the pairing; unpaired tells of its error whether there is none.
func loadIdentity(dir string) (identity, error) {
	raw, err := os.ReadFile(filepath.Join(dir, pairingFile))
	if err != nil {
		return identity{}, fmt.Errorf("read pairing: %w", err)
	}
	var who identity
	if err := json.Unmarshal(raw, &who); err != nil {
		return identity{}, fmt.Errorf("parse pairing: %w", err)
	}
	if who.key, err = seal.LoadKey(filepath.Join(dir, keyFile)); err != nil {
		return identity{}, errIdentity.With(err)
	}
	return who, nil
}

// unpaired tells whether loadIdentity found nothing, rather than damage.
func unpaired(err error) bool { return errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errIdentity) }

// keepPairing writes a new pairing. What belonged to an older one is set aside, so that no plan, floor or
// record of one hub is taken for another's.
func keepPairing(dir, hub, pin string, key seal.Key, p link.Paired) error {
	if len(p.Trust) == 0 {
		return errors.New("keep pairing: the hub sent no trust document")
	}
	if err := setAside(dir); err != nil {
		return err
	}
	if err := seal.CreateKey(filepath.Join(dir, keyFile), key); err != nil {
		return fmt.Errorf("keep pairing: %w", err)
	}
	if err := cache.Pin(dir, p.Trust[len(p.Trust)-1]); err != nil {
		return fmt.Errorf("keep pairing: %w", err)
	}
	raw, err := json.MarshalIndent(identity{Agent: p.Agent, Hub: hub, Pin: pin, Name: p.Name, Area: p.Area, PairedAt: time.Now().UTC()}, "", "  ")
	if err != nil {
		return fmt.Errorf("keep pairing: %w", err)
	}
	if err := durable.Replace(filepath.Join(dir, pairingFile), append(raw, '\n')); err != nil {
		return fmt.Errorf("keep pairing: %w", err)
	}
	return nil
}

// setAside moves an older pairing into a folder of its own. pairing.json goes first: without it the rest is
// nobody's.
func setAside(dir string) error {
	aside := filepath.Join(dir, "before-"+time.Now().UTC().Format("20060102T150405.000"))
	for _, name := range belongings {
		from := filepath.Join(dir, name)
		if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.MkdirAll(aside, 0o700); err != nil {
			return fmt.Errorf("set older pairing aside: %w", err)
		}
		if err := os.Rename(from, filepath.Join(aside, name)); err != nil {
			return fmt.Errorf("set older pairing aside: %w", err)
		}
	}
	return nil
}
