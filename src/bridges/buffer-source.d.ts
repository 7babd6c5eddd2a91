// @msgpack/msgpack names a type of browsers that Node's types do not have.
type BufferSource = ArrayBufferView | ArrayBuffer
