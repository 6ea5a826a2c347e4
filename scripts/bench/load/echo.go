// Answers every JSON-RPC request with its own text: what is measured is who sends.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
)

var id = regexp.MustCompile(`"id":(\d+)`)
var text = regexp.MustCompile(`assay-[0-9-]+`)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().String())
	panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		number := "0"
		if found := id.FindSubmatch(body); found != nil {
			number = string(found[1])
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"%s"}],"isError":false}}`, number, text.Find(body))
	})))
}
