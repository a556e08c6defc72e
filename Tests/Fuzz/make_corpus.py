#!/usr/bin/env python3
"""Writes the fuzzers' seeds, Tests/Fuzz/corpus: for every parser a few small files that it reads.

    python3 Tests/Fuzz/make_corpus.py [RECORD]

RECORD is the record.json of any finished tiny run: records are sealed by the program, so this script cannot make one.
Without it the one that is there is kept.
"""
import base64, gzip, io, json, pathlib, pickle, shutil, struct, sys, tarfile, wave, zipfile, zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "Tests/Fuzz/corpus"


def put(target, name, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def npy(shape, kind="<f4", version=1, fortran=False):
    count = 1
    for n in shape:
        count *= n
    header = f"{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': ({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''}), }}"
    width = 2 if version == 1 else 4
    room = 64 - (8 + width + len(header) + 1) % 64
    header += " " * room + "\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + bytes(range(count * int(kind[2:])))


def zipped(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def tarred(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def png(width, height, colour, depth=8):
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    rows = b"".join(b"\0" + bytes((x * 7 + y) % 256 for x in range(width * samples * depth // 8)) for y in range(height))

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


# A picture of one colour, 16 x 16.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxl"
    "Z2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wAARCAAQABADASIAAhEB"
    "AxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS"
    "0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKz"
    "tLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgEC"
    "BAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpj"
    "ZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6"
    "/9oADAMBAAIRAxEAPwBtFFFeWeyf/9k=")

# What torch.save writes for {"w": tensor of two floats}.
TORCH = (b"\x80\x02}q\x00X\x01\x00\x00\x00wq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storageq\x03"
         b"ctorch\nFloatStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06K\x02tq\x07QK\x00K\x02\x85q\x08"
         b"K\x01\x85q\t\x89ccollections\nOrderedDict\nq\n)Rq\x0btq\x0cRq\rs.")


# HDF5 by h5py 3.16, in gzip: arrays and attributes of several kinds; a MATLAB 7.3 file with a matrix and a cell of text.
HDF5 = base64.b64decode(
    "H4sIAAAAAAACA+2aMW/TQBTH353jxqQBHJomwIKXSowdOnSLqzY0A2orYGCqYhK7VLSAUldNJzrC1rEjYydG1A/AwIjEwhgoiK/AFu5875zcgahUBl"
    "TxflL09M7Pd+fz3d/n57xqLd25XLpZAonnQQF8GGeIvJsxfX28jZahfYn2mOtyNzt2Hct9rH9QNc9/cK/ZlNFDC93ObEFZD4j/kVZzYU3ah+jr+fSe"
    "m3F7aDeseRmes109f3VFDG4ry1WBbt5Ba/uO6KmMrAS3QE3hAOoe1F/gcVfMaHmcc1Whh1fmsL5rXqmm/0/vw/2V1SUmrlKrxKFrjvMJ+p+K5noNHJ"
    "rDv3LQUFMzFL8D8XsdMmCGXlZwpO1xPUsv25dIL0kvR3qp1+uPohn3POo8ibuj9dv6y3YZFP+ol/gYhwm0tu+InspI39Na6ps66aiKJmE+8xnXuutl"
    "K2fn8W6SbMW5DjMs78bJVpTGeXu5znLnuDSS7gkt4WXd76xlD3afbqbSn2IqQI/X9jZYI/w7vWT5OlyjBXkupN7J546td7UzzjvCfWvNej7bvJkxfW"
    "7NS063gCAIgiAI4kKg840h7u/0+1AZM0JM7PCqYneebqbirQHgBmPZGX6+x/eM/IZ8VwinRzmP5cXVu2xs+z8eJ0n3ngVRrxft75j9+nCV7g1BEARB"
    "EARBEARBXBT093n7f09lmMd8gJvlF3ry46OMDxqYUQhhbhLmho6ZN1AMGv31Trv7KInizvfB1y9JyKGwAov99dPP307rfvVarTI9tSFKr7yFjz8Bm5"
    "A0hMQlAAA=")
MATLAB73 = base64.b64decode(
    "H4sIAAAAAAACA/N1DPFxdFIw1zNW8HUM0U3LzElVoBdgYPL0ZRgFAwo6PVzceLmkuMAcDg4GFgYBiAQThPoPBWd4Ufkw/QlQmhFKd0DpFUwwcUawnA"
    "RUXBBqPrq6kCBXV5Dq/2gAZo8BC4TmGI2yEQk8XB0DQHQElK8ApU8woaqrgNLKRalpxcoMDMlo6dOCRHsZGdggehlhfA0IzcSInE1w0szAlA9SKahg"
    "D027Dgwm3Awm/5kh8qxAUZA8ExPEQA5oTmFmrGBF9SkE8DAYQN3BC1TLweALLr/jk3MSi4tB4sJAU9iQ/JuSX5qUkwqxlxog2M/fhRHoK2gpwTCDFT"
    "V8D0D5D9ghNCzfb+HCby4sXyswj8TU/cEeyoBGEocDrnITPXwJlZsZnKPl5mi5iSg3BdAzHBQkopWTHhTaS2y5yYhWXjLCy00BMFsALidAoLzcAC1h"
    "WEguL1mQ7E3OSCyiTghgKzcZ4cEeMZohyQIZDJkE0xYjWlpixEhbkDQkDs0GuNPUEW5smYXkNJWakwNhBdAkTGBpCQDex2O6zA0AAA==")


def matlab(compressed):
    """One variable, x = [1 2; 3 4], of MATLAB 5."""
    def element(kind, content):
        return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)
    matrix = (element(6, struct.pack("<II", 6, 0)) + element(5, struct.pack("<ii", 2, 2)) + element(1, b"x") +
              element(9, struct.pack("<4d", 1, 3, 2, 4)))
    whole = struct.pack("<II", 14, len(matrix)) + matrix
    if compressed:
        packed = zlib.compress(whole)
        whole = struct.pack("<II", 15, len(packed)) + packed
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM" + whole


def wav(width, channels):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(8000)
        file.writeframes(bytes(range(24 * width * channels % 240)))
    return out.getvalue()


def main():
    kept = CORPUS / "record/tiny.json"
    record = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else kept
    sealed = record.read_bytes()
    shutil.rmtree(CORPUS, ignore_errors=True)
    put("record", "tiny.json", sealed)
    put("yaml", "mapping.yaml", "a: {b: [1, 2.5, \"x\"]}\nc: |\n  text\n  more\nd:\n  - e: true\n    f: null\n")
    put("json", "object.json", json.dumps({"a": [1, -2.5e-3, True, None], "b": {"c": "\u00e9\n\ud83d\ude00"}}))
    for name in ("dinov2-fashion",):
        put("recipe", f"{name}.yaml", (ROOT / f"Reproductions/dinov2/{name}.yaml").read_bytes())
    put("registry", "one.yaml", "- {id: dinov2, family: distillation, type: DINOv2, arxiv: \"2304.07193\", "
        "recipes: [dinov2-small], status: recorded}\n")
    put("npy", "two.npy", npy((2, 3)))
    put("npy", "columns.npy", npy((2, 3), "<f8", 2, True))
    put("npy", "bytes.npy", npy((5,), "|u1"))
    put("zip", "two.zip", zipped([("a.txt", b"hello"), ("b/c.bin", bytes(300))]))
    put("zip", "stored.zip", zipped([("a.txt", b"hello")], zipfile.ZIP_STORED))
    put("npz", "two.npz", zipped([("x.npy", npy((2, 3))), ("y.npy", npy((4,), "<i4"))], zipfile.ZIP_STORED))
    put("tar", "two.tar", tarred([("a.txt", b"hello"), ("b/c.bin", bytes(600))]))
    put("gzip", "text.gz", gzip.compress(b"hello " * 50, mtime=0))
    put("idx", "images.idx", bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2]) + bytes(range(8)))
    put("cifar", "one.bin", bytes([3]) + bytes(i % 251 for i in range(3072)))
    for name, colour, depth in (("grey", 0, 8), ("rgb", 2, 8), ("rgba", 6, 8), ("deep", 2, 16)):
        put("png", f"{name}.png", png(5, 4, colour, depth))
    put("jpeg", "one.jpg", JPEG)
    put("image", "rgb.png", png(3, 3, 2))
    put("image", "one.jpg", JPEG)
    put("image", "rgb.ppm", b"P6\n2 2\n255\n" + bytes(12))
    put("pnm", "rgb.ppm", b"P6\n# made\n2 2\n255\n" + bytes(range(12)))
    put("pnm", "grey.pgm", b"P5 3 2 255\n" + bytes(range(6)))
    put("pfm", "one.pfm", b"Pf\n2 2\n-1.0\n" + struct.pack("<4f", 1, 2, 3, 4))
    put("wav", "mono.wav", wav(2, 1))
    put("wav", "stereo.wav", wav(1, 2))
    put("obj", "square.obj", "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvn 0 0 1\nusemtl red\nf 1/1/1 2/1/1 3/1/1 4/1/1\nf -4 -3 -2\n")
    put("mtl", "red.mtl", "newmtl red\nKd 1 0 0\nNs 10\nmap_Kd red.png\n")
    put("off", "triangle.off", "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    put("ply", "text.ply", "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
        "element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
    put("ply", "binary.ply", b"ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
        b"property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n" +
        struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0) + struct.pack("<Biii", 3, 0, 1, 2))
    put("binvox", "small.binvox", b"#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n" + bytes([1, 3, 0, 5]))
    put("bvh", "two.bvh", "HIERARCHY\nROOT a\n{\n OFFSET 0 0 0\n CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
        " JOINT b\n {\n  OFFSET 0 1 0\n  CHANNELS 3 Zrotation Xrotation Yrotation\n  End Site\n  {\n   OFFSET 0 1 0\n  }\n }\n}\n"
        "MOTION\nFrames: 2\nFrame Time: 0.04\n0 0 0 0 0 0 0 0 0\n0 0 0 1 2 3 4 5 6\n")
    put("matlab", "plain.mat", matlab(False))
    put("matlab", "packed.mat", matlab(True))
    put("csv", "three.csv", "a,b,c\n1,\"x, y\",\n2,\"say \"\"hi\"\"\",3\r\n")
    put("jsonl", "two.jsonl", "{\"a\": 1}\n{\"a\": [2, 3]}\n")
    put("text", "lines.txt", "one\r\ntw\u00f6\n\nthree")
    put("timeseries", "two.ts", "@problemName x\n@timeStamps false\n@univariate true\n@classLabel true a b\n@data\n1,2,3:a\n4,5,6:b\n")
    put("timeseries", "two.tsv", "1\t0.5\t0.25\n2\t1.5\t1.25\n")
    put("coco", "one.json", json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg", "width": 8, "height": 6}], "categories": [{"id": 3, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 1, 2, 3], "iscrowd": 0}]}))
    put("kitti", "object.txt", "Car 0.00 0 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57\n")
    put("kitti", "calibration.txt", "P0: 7.2 0 6.0 0 0 7.2 1.7 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\n")
    put("camera", "one.txt", "extrinsic\n1 0 0 0\n0 1 0 0\n0 0 1 2\n0 0 0 1\n\nintrinsic\n100 0 32\n0 100 24\n0 0 1\n\n425.0 2.5 192 935\n")
    put("planetoid", "graph.pickle", pickle.dumps({0: [1, 2], 1: [0], 2: [0]}, protocol=2))
    put("weights", "one.safetensors", (lambda h: struct.pack("<Q", len(h)) + h + struct.pack("<2f", 1, 2))(
        json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()))
    put("weights", "one.pth", zipped([("archive/data.pkl", TORCH), ("archive/data/0", struct.pack("<2f", 1, 2)),
                                     ("archive/version", b"3\n")], zipfile.ZIP_STORED))
    put("weights", "one.npz", zipped([("w.npy", npy((2,)))], zipfile.ZIP_STORED))
    put("sealed", "head.h5", b"\x89HDF\r\n\x1a\n" + bytes(88))
    put("hdf5", "arrays.h5", gzip.decompress(HDF5))
    put("hdf5", "cell.mat", gzip.decompress(MATLAB73))
    put("weights", "arrays.h5", gzip.decompress(HDF5))
    put("http", "good.txt", b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n0123456789abcdef")
    put("http", "moved.txt", b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n")
    put("http", "later.txt", b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
    put("http", "chunks.txt", b"HTTP/1.1 206 Partial Content\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 0-15/16\r\n\r\n4\r\n0123\r\n0\r\n\r\n")


if __name__ == "__main__":
    main()
