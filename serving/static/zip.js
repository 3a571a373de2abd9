// One file out of a zip archive that is in the browser, so that its structure can be shown without sending all again.

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LONGEST_COMMENT = 0xffff;
const MAX_BYTES = 32 * 1024 * 1024;
const STORED = 0;
const DEFLATED = 8;

async function view(file, start, end) {
  return new DataView(await file.slice(start, end).arrayBuffer());
}

/** Return the bytes of an entry of a zip file as a Blob, or null where it is not in it or packed otherwise. */
export async function entry(file, name) {
  const from = Math.max(0, file.size - LONGEST_COMMENT - 22);
  const tail = await view(file, from, file.size);
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  if (end < 0) return null;
  const size = tail.getUint32(end + 12, true);
  const start = tail.getUint32(end + 16, true);
  const list = await view(file, start, start + size);
  for (let at = 0; at + 46 <= list.byteLength && list.getUint32(at, true) === ENTRY; ) {
    const [packed, unpacked] = [list.getUint32(at + 20, true), list.getUint32(at + 24, true)];
    const lengths = [28, 30, 32].map((offset) => list.getUint16(at + offset, true));
    const bytes = new Uint8Array(list.buffer, list.byteOffset + at + 46, lengths[0]);
    if (new TextDecoder().decode(bytes) === name) {
      return content(file, list.getUint32(at + 42, true), list.getUint16(at + 10, true), packed, unpacked);
    }
    at += 46 + lengths[0] + lengths[1] + lengths[2];
  }
  return null;
}

async function content(file, offset, method, packed, unpacked) {
  if (unpacked > MAX_BYTES || ![STORED, DEFLATED].includes(method)) return null;
  const head = await view(file, offset, offset + 30);
  const start = offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const part = file.slice(start, start + packed);
  if (method === STORED) return part;
  return new Response(part.stream().pipeThrough(new DecompressionStream("deflate-raw"))).blob();
}
