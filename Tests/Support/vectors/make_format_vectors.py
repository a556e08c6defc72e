"""Writes format_files.json: small files of foreign programs, in base64 (scipy, h5py, Python's wave, csv and struct).

    python3 Tests/Support/vectors/make_format_vectors.py
"""

import base64
import csv
import io
import json
import pathlib
import struct
import tempfile
import wave

import h5py
import numpy as np
import scipy.io
import scipy.sparse

files = {}

# MATLAB 5: scipy.io.savemat. X is a row of two cells, as multi-view sets have it.
views = np.empty((1, 2), dtype=object)
views[0, 0] = np.arange(6, dtype=np.float64).reshape(3, 2)
views[0, 1] = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 250]], dtype=np.uint8)
variables = {
    "X": views,
    "Y": np.array([[1], [2], [1]], dtype=np.int32),
    "name": "caf\u00e9",
    "half": np.array([[0.5, -1.5]], dtype=np.float32),
    "flag": np.array([[True, False]]),
    "info": {"a": 7.0, "b": "text"},
    "S": scipy.sparse.csc_matrix(np.array([[0, 2.0, 0], [3, 0, 0]])),
    "big": np.array([[-5_000_000_000]], dtype=np.int64),
}
for name, compressed in [("mat5", False), ("mat5Packed", True)]:
    out = io.BytesIO()
    scipy.io.savemat(out, variables, do_compression=compressed)
    data = bytearray(out.getvalue())
    data[:116] = b"MATLAB 5.0 MAT-file".ljust(116)  # scipy writes the date there
    files[name] = bytes(data)


# MATLAB 7.3, as MATLAB itself lays it out: a user block with the header, axes reversed, classes as attributes.
def mat73():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a.mat"
        with h5py.File(path, "w", userblock_size=512, libver="earliest") as f:

            def put(where, name, array, kind):
                d = where.create_dataset(name, data=array, track_times=False)
                d.attrs.create("MATLAB_class", np.bytes_(kind))
                return d

            refs = f.create_group("#refs#")
            a = put(refs, "a", np.arange(6, dtype=np.float64).reshape(3, 2).T, "double")
            b = put(refs, "b", np.array([[1, 2, 3], [4, 5, 6], [7, 8, 250]], dtype=np.uint8).T, "uint8")
            x = f.create_dataset("X", (2, 1), dtype=h5py.ref_dtype, track_times=False)
            x[0, 0], x[1, 0] = a.ref, b.ref
            x.attrs.create("MATLAB_class", np.bytes_("cell"))
            y = f.create_dataset(
                "Y", data=np.array([[1, 2, 1]], dtype=np.int32), chunks=(1, 3), compression="gzip", track_times=False)
            y.attrs.create("MATLAB_class", np.bytes_("int32"))
            put(f, "name", np.array([[ord(c)] for c in "caf\u00e9"], dtype=np.uint16), "char")
            info = f.create_group("info")
            info.attrs.create("MATLAB_class", np.bytes_("struct"))
            put(info, "a", np.array([[7.0]]), "double")
            put(info, "b", np.array([[ord(c)] for c in "text"], dtype=np.uint16), "char")
            none = put(f, "none", np.array([0, 3], dtype=np.uint64), "double")
            none.attrs.create("MATLAB_empty", np.uint8(1))
            s = f.create_group("S")
            s.attrs.create("MATLAB_class", np.bytes_("double"))
            s.attrs.create("MATLAB_sparse", np.uint64(2))
            s.create_dataset("data", data=np.array([3.0, 2.0]), track_times=False)
            s.create_dataset("ir", data=np.array([1, 0], dtype=np.uint64), track_times=False)
            s.create_dataset("jc", data=np.array([0, 1, 2, 2], dtype=np.uint64), track_times=False)
        data = bytearray(path.read_bytes())
        header = b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(124) + struct.pack("<H", 0x0200) + b"IM"
        data[:128] = header
        return bytes(data)


files["mat73"] = mat73()

# Sounds.
tone = (np.sin(np.arange(20) / 3) * 20_000).astype("<i2")
out = io.BytesIO()
with wave.open(out, "wb") as w:
    w.setnchannels(2), w.setsampwidth(2), w.setframerate(8000)
    w.writeframes(tone.tobytes())
files["wav16"] = out.getvalue()
files["wav16Values"] = tone.tobytes()
out = io.BytesIO()
with wave.open(out, "wb") as w:
    w.setnchannels(1), w.setsampwidth(3), w.setframerate(44_100)
    w.writeframes(b"".join(struct.pack("<i", v)[:3] for v in [0, 1, -1, 8_388_607, -8_388_608]))
files["wav24"] = out.getvalue()
out = io.BytesIO()
with wave.open(out, "wb") as w:
    w.setnchannels(1), w.setsampwidth(1), w.setframerate(11_025)
    w.writeframes(bytes([0, 128, 255]))
files["wav8"] = out.getvalue()
out = io.BytesIO()
scipy.io.wavfile.write(out, 16_000, np.array([0.25, -1.0, 0.5], dtype=np.float32))
files["wavFloat"] = out.getvalue()

# A table with everything that needs quotes.
out = io.StringIO()
writer = csv.writer(out)
writer.writerow(["id", "text", "x"])
writer.writerow([1, 'she said "no", twice', 2.5])
writer.writerow([2, "two\nlines", ""])
writer.writerow([3, "\u00fcber", -1e-3])
files["csv"] = out.getvalue().encode()

path = pathlib.Path(__file__).with_name("format_files.json")
path.write_text(json.dumps({k: base64.b64encode(v).decode() for k, v in files.items()}, indent=1) + "\n")
print(path, {k: len(v) for k, v in files.items()})
