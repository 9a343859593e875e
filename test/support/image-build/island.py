# The network of a machine behind QEMU's DHCP: every name resolves to 10.0.2.2, QEMU's address for this host, where an
# HTTP server responds. Runs in a network namespace of its own, with a /etc/resolv.conf that names 127.0.0.1.
import http.server
import socket
import threading

ADDRESS = bytes([10, 0, 2, 2])


def names():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    while True:
        question, peer = server.recvfrom(512)
        end = question.index(0, 12) + 5
        is_a = question[end - 4 : end - 2] == b"\x00\x01"
        answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + ADDRESS if is_a else b""
        counts = b"\x00\x01" + (b"\x00\x01" if is_a else b"\x00\x00") + b"\x00\x00\x00\x00"
        server.sendto(question[:2] + b"\x81\x80" + counts + question[12:end] + answer, peer)


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"hello from {self.headers['Host']}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


threading.Thread(target=names, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", 80), Hello).serve_forever()
