package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/loa-vn/loa/internal/problem"
)

// Env looks up one variable of the environment; os.LookupEnv is one.
type Env func(name string) (string, bool)

// key is one setting: its name in the file, with "-" for "_" its flag, in capitals behind the program's
// prefix its environment variable.
type key struct {
	name  string
	value string // default, as text
	usage string
}

// program is what differs between the two programs' settings.
type program struct {
	prefix string // of environment variables
	keys   []key
}

// ConfigFlag is the flag that names the YAML file; LOA_HUB_CONFIG and LOA_AGENT_CONFIG do the same.
const ConfigFlag = "config"

func (p program) register(fs *pflag.FlagSet) {
	fs.String(ConfigFlag, "", "YAML file with settings")
	for _, k := range p.keys {
		fs.String(flagName(k.name), k.value, k.usage)
	}
}

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

// load fills into, a pointer to the program's struct, from all sources.
func (p program) load(path string, env Env, flags *pflag.FlagSet, into any) error {
	if env == nil {
		env = os.LookupEnv
	}
	v := viper.New()
	for _, k := range p.keys {
		v.SetDefault(k.name, k.value)
	}
	if path = p.file(path, env, flags); path != "" {
		if err := p.readFile(v, path); err != nil {
			return err
		}
	}
	for _, k := range p.keys {
		if s, ok := env(p.prefix + strings.ToUpper(k.name)); ok {
			v.Set(k.name, s)
		}
		if flags == nil {
			continue
		}
		if f := flags.Lookup(flagName(k.name)); f != nil && f.Changed {
			v.Set(k.name, f.Value.String())
		}
	}
	err := v.UnmarshalExact(into, viper.DecodeHook(mapstructure.ComposeDecodeHookFunc(
		rejectCompound,
		mapstructure.TextUnmarshallerHookFunc(),
		mapstructure.StringToTimeDurationHookFunc(),
		mapstructure.StringToBasicTypeHookFunc(),
	)))
	if err != nil {
		return errInvalid.With(err)
	}
	return nil
}

// file is the YAML file to read: an explicit path, else the flag, else the environment, else none.
func (p program) file(path string, env Env, flags *pflag.FlagSet) string {
	if path != "" {
		return path
	}
	if flags != nil {
		if f := flags.Lookup(ConfigFlag); f != nil && f.Changed {
			return f.Value.String()
		}
	}
	s, _ := env(p.prefix + "CONFIG")
	return s
}

// readFile takes the file in and refuses what it does not know: a misspelt key must not silently leave a
// default in place.
func (p program) readFile(v *viper.Viper, path string) error {
	v.SetConfigFile(path)
	v.SetConfigType("yaml")
	if err := v.MergeInConfig(); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return errNoFile.With(err)
		}
		return errUnreadable.With(err)
	}
	names := make([]string, 0, len(p.keys))
	for _, k := range p.keys {
		names = append(names, k.name)
	}
	for _, name := range v.AllKeys() {
		if !slices.Contains(names, name) {
			return unknownKey(name, nearest(name, names))
		}
	}
	return nil
}

// rejectCompound refuses a list or map where text is expected: mapstructure would join or drop it.
func rejectCompound(from, to reflect.Type, data any) (any, error) {
	if to.Kind() != reflect.Struct && (from.Kind() == reflect.Slice || from.Kind() == reflect.Map) {
		return nil, fmt.Errorf("a list or group stands where one value is expected")
	}
	return data, nil
}

var (
	errNoFile = problem.New("CONFIG_NOT_FOUND", 500,
		"Không tìm thấy tệp cấu hình. Kiểm tra đường dẫn sau --config.",
		"The configuration file does not exist. Check the path given with --config.")
	errUnreadable = problem.New("CONFIG_UNREADABLE", 500,
		"Không đọc được tệp cấu hình. Sửa dòng được nêu trong lỗi, theo tệp mẫu.",
		"The configuration file cannot be read. Correct the line named in the error; the sample file shows the form.")
	errInvalid = problem.New("CONFIG_INVALID", 500,
		"Cấu hình có giá trị không hợp lệ. Sửa giá trị được nêu trong lỗi.",
		"The configuration holds a value that is not valid. Correct the value named in the error.")
)

func unknownKey(name, near string) error {
	vi, en := "", ""
	if near != "" {
		vi, en = fmt.Sprintf(" Có phải ý bạn là %q?", near), fmt.Sprintf(" Did you mean %q?", near)
	}
	return problem.New("CONFIG_UNKNOWN_KEY", 500,
		fmt.Sprintf("Tệp cấu hình có khóa lạ %q.%s Sửa hoặc xóa khóa đó.", name, vi),
		fmt.Sprintf("The configuration file has an unknown key %q.%s Correct or remove it.", name, en)).At(name)
}

// invalid is what validation says about one key.
func invalid(key string, cause error) error { return errInvalid.With(cause).At(key) }

// nearest gives the known name with the smallest edit distance, "" when none is near enough to be meant.
func nearest(name string, known []string) string {
	best, distance := "", len(name)/2+1
	for _, k := range known {
		if d := editDistance(name, k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
