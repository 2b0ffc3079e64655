// SPDX-License-Identifier: Apache-2.0

// What Go's runtime does with signals, threads and memory; one line for each thing that works.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
)

func recovered() (err any) {
	defer func() { err = recover() }()
	var nothing *int
	*nothing = 1
	return nil
}

func goroutines() int64 {
	var sum int64
	var group sync.WaitGroup
	for i := 0; i < 50; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < 200000; j++ {
				atomic.AddInt64(&sum, 1)
			}
		}()
	}
	group.Wait()
	return sum
}

// A loop that calls nothing ends its turn only by a signal (asynchronous pre-emption): without it
// this does not return.
func preempted() bool {
	runtime.GOMAXPROCS(1)
	go func() {
		for {
		}
	}()
	runtime.Gosched()
	return true
}

func main() {
	if len(os.Args) > 1 {
		fmt.Print("child")
		return
	}
	fmt.Println("goroutines", goroutines())
	fmt.Println("recovered", recovered())
	fmt.Println("preempted", preempted())
	output, err := exec.Command("/proc/self/exe", "child").Output()
	fmt.Println("exec", string(output), err)
	runtime.GC()
}
