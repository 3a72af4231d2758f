package link

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/loa-vn/loa/agent/agenttest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// cable forwards connections to the hub and cuts each after so many bytes towards the agent.
type cable struct {
	url string

	mu    sync.Mutex
	limit int // for the next connection, 0 for none
	open  map[net.Conn]struct{}
	count int // connections
}

func newCable(t *testing.T, hubURL string) *cable {
	t.Helper()
	to, err := url.Parse(hubURL)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{url: "http://" + listener.Addr().String(), open: map[net.Conn]struct{}{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to.Host)
			if err != nil {
				_ = near.Close()
				continue
			}
			wg.Go(func() { c.carry(near, far) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); c.cut(); wg.Wait() })
	return c
}

func (c *cable) carry(near, far net.Conn) {
	c.mu.Lock()
	limit := int64(c.limit)
	c.limit = 0
	c.count++
	c.open[near], c.open[far] = struct{}{}, struct{}{}
	c.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(far, near)
		_ = far.Close()
	})
	if limit > 0 {
		_, _ = io.CopyN(near, far, limit)
	} else {
		_, _ = io.Copy(near, far)
	}
	_ = near.Close()
	_ = far.Close()
	wg.Wait()
	c.mu.Lock()
	delete(c.open, near)
	delete(c.open, far)
	c.mu.Unlock()
}

func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close()
	}
}

// cutAfter cuts the next connection after so many bytes towards the agent.
func (c *cable) cutAfter(limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = limit
}

func (c *cable) connections() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

func random(seed uint64, size int) []byte {
	data := make([]byte, size)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

func TestAgentIsBroughtToItsPlan(t *testing.T) {
	h := newHub(t)
	h.setHead("a", 3, "head 3")
	a := h.join(t, "a", h.url)
	a.await(t, "head 3", func() bool { return a.version == 3 })
	a.await(t, "the trust documents", func() bool { return a.trust == 3 })
	a.await(t, "signed time", func() bool { return a.times > 0 })
	h.await(t, "the plan is active", "a", func(s *said) bool { return s.plan == wire.PlanState{Version: 3, State: wire.PlanActive} })
	h.await(t, "status", "a", func(s *said) bool { return s.status != nil })
	if st := a.link.State(); !st.Connected || st.Name != "Cụm loa a" || st.Area != "xa-01" {
		t.Errorf("link's state is %+v", st)
	}

	h.setHead("a", 4, "head 4") // while connected: sent at once
	h.await(t, "head 4 is active", "a", func(s *said) bool { return s.plan.Version == 4 })
	a.edit("status", func() { a.now.Card.State = "missing" })
	h.await(t, "a change of status", "a", func(s *said) bool { return s.status.Card.State == "missing" })
}

func TestBlobsOfEverySize(t *testing.T) {
	h := newHub(t)
	a := newAgent("a")
	sizes := []int{0, 1, 4095, 4096, 65535, 65536, 65537, 131072, 200_000, 1 << 20}
	wants := make([]agenttest.Want, 0, 2*len(sizes))
	for i, size := range sizes {
		data := random(uint64(i), size)
		wants = append(wants, agenttest.Want{SHA256: h.addBlob(data), Size: int64(size)})
		if size > 0 {
			unknown := random(uint64(100+i), size)
			wants = append(wants, agenttest.Want{SHA256: h.addBlob(unknown)}) // a manifest: size not known
		}
	}
	a.wants = wants
	a.start(t, h, h.url)
	a.await(t, "every blob", func() bool {
		for _, w := range wants {
			if !a.whole[w.SHA256] {
				return false
			}
		}
		return true
	})
	h.await(t, "every holding", "a", func(s *said) bool {
		for _, w := range wants {
			if !s.holdings[w.SHA256].Whole {
				return false
			}
		}
		return true
	})
}

func TestAnotherBlobWhenTheHubHasNotTheFirst(t *testing.T) {
	h := newHub(t)
	a := newAgent("a")
	there := h.addBlob(random(1, 100_000))
	missing := hashOf([]byte("nobody has it"))
	a.wants = []agenttest.Want{{SHA256: missing, Size: 10}, {SHA256: there, Size: 100_000}}
	a.start(t, h, h.url)
	a.await(t, "the second blob", func() bool { return a.whole[there] })
}

func TestBlobOfAnotherSizeIsNotKept(t *testing.T) {
	h := newHub(t)
	a := newAgent("a")
	longer := h.addBlob(random(1, 100_000))
	good := h.addBlob(random(2, 1000))
	a.wants = []agenttest.Want{{SHA256: longer, Size: 65536}, {SHA256: good, Size: 1000}}
	a.start(t, h, h.url)
	a.await(t, "the good blob", func() bool { return a.whole[good] })
	if a.holds(longer) {
		t.Error("a blob of another size than the plan says was taken as whole")
	}
}

func TestUrgentBlobGoesFirst(t *testing.T) {
	h := newHub(t)
	a := newAgent("a")
	long, urgent := h.addBlob(random(1, 4<<20)), h.addBlob(random(2, 100_000))
	reached, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	a.onPut = func(offset int64) {
		if offset >= 1<<20 {
			once.Do(func() { close(reached); <-goOn })
		}
	}
	a.wants = []agenttest.Want{{SHA256: long, Size: 4 << 20}}
	a.start(t, h, h.url)
	<-reached
	a.want(agenttest.Want{SHA256: urgent, Size: 100_000}, agenttest.Want{SHA256: long, Size: 4 << 20})
	close(goOn)
	var before int
	a.await(t, "the urgent blob", func() bool { before = len(a.data[long]); return a.whole[urgent] })
	if before > 2<<20 {
		t.Errorf("the urgent blob came after %d bytes of the other", before)
	}
	a.await(t, "the other blob", func() bool { return a.whole[long] })
	if a.puts != 4<<20+100_000 {
		t.Errorf("%d bytes were kept, some twice", a.puts)
	}
}

// TestResumesWithinOneChunk cuts the line at many places, most of them in the middle of a chunk.
func TestResumesWithinOneChunk(t *testing.T) {
	h := newHub(t)
	line := newCable(t, h.url)
	const size = 1_500_000
	want := agenttest.Want{SHA256: h.addBlob(random(1, size)), Size: size}
	line.cutAfter(500_000)
	a := newAgent("a")
	a.wants = []agenttest.Want{want}
	a.start(t, h, line.url)
	a.await(t, "a break", func() bool { return line.connections() > 1 })
	a.await(t, "the blob", func() bool { return a.whole[want.SHA256] })
	if a.puts != size {
		t.Errorf("%d bytes of %d were kept: some twice", a.puts, size)
	}
	// 500,000 bytes came, some of them the handshake's: the second connection begins at most a chunk before.
	if last := a.resumed[len(a.resumed)-1]; last < 500_000-2*broadcast.ChunkSize-10_000 {
		t.Errorf("resumed at %d of %v", last, a.resumed)
	}
}

func TestPlaysAreInsertedOnceWhenTheAckIsLost(t *testing.T) {
	h := newHub(t)
	line := newCable(t, h.url)
	var once sync.Once
	h.inserted = func() { once.Do(line.cut) } // the hub has them, the agent does not know
	a := newAgent("a")
	for i := range 250 {
		a.outbox = append(a.outbox, fmt.Sprintf("play-%03d", i))
	}
	a.start(t, h, line.url)
	a.await(t, "an empty outbox", func() bool { return len(a.outbox) == 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.plays) != 250 {
		t.Errorf("the hub has %d records", len(h.plays))
	}
	twice := 0
	for _, n := range h.plays {
		if n > 2 {
			t.Errorf("a record was sent %d times", n)
		}
		twice += n - 1
	}
	if twice != wire.MaxPlays { // exactly the batch whose acknowledgement was lost
		t.Errorf("%d records were sent again", twice)
	}
}

func TestFiftyAgents(t *testing.T) {
	h := newHub(t)
	const agents = 50
	blobs := make([]agenttest.Want, 6)
	for i := range blobs {
		blobs[i] = agenttest.Want{SHA256: h.addBlob(random(uint64(i), 150_000)), Size: 150_000}
	}
	all := make([]*agent, agents)
	for i := range all {
		id := fmt.Sprintf("agent-%02d", i)
		h.setHead(id, 1, "head 1")
		all[i] = newAgent(id)
		all[i].wants = slices.Concat(blobs[i%len(blobs):], blobs[:i%len(blobs)])
		all[i].outbox = []string{"first " + id, "second " + id}
		all[i].start(t, h, h.url)
	}
	for i := range all {
		h.setHead(all[i].id, 2, "head 2")
	}
	for _, a := range all {
		a.await(t, "head 2", func() bool { return a.version == 2 })
		a.await(t, "every blob", func() bool {
			for _, w := range blobs {
				if !a.whole[w.SHA256] {
					return false
				}
			}
			return true
		})
		a.await(t, "an empty outbox", func() bool { return len(a.outbox) == 0 })
	}
	if n := h.Connected(); n != agents {
		t.Errorf("%d agents are connected", n)
	}
	for id, n := range h.plays {
		if n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
}
