// Words in the picture of the whole model; a new line where one ends. key: [English, Chinese]

export const modelPicture = {
  pictureImage: ["{H} × {W}\npixels", "{H} × {W}\n像素"],
  pictureConv: ["convo-\nlutions", "卷积"],
  picturePatches: ["{n}\n{n:patch|patches}", "{n}\n个图块"],
  pictureLinear: ["linear\nlayer", "线性层"],
  pictureTokens: ["{n} {n:token|tokens} of\n{D} {D:number|numbers}", "{n} 个词元\n各 {D} 个数"],
  pictureClass: ["class token", "类别词元"],
  pictureRegisters: ["{n} {n:register|registers}", "{n} 个寄存器"],
  pictureNorm: ["layer\nnorm", "层\n归一化"],
  pictureBlocks: ["block × {n}", "块 × {n}"],
  pictureAttention: ["attention", "注意力"],
  pictureMlp: ["MLP", "MLP"],
  pictureLogits: ["{n}\n{n:logit|logits}", "{n} 个\nlogit"],
  pooledClass: ["the class\ntoken", "类别\n词元"],
  pooledMean: ["the mean of\nthe patches", "图块的\n平均"],
  pooledBoth: ["class token\nand mean", "类别词元\n和平均"],
  pooledTwo: ["class token,\nregister 1", "类别词元、\n寄存器 1"],
  pooledMap: ["one more\nattention", "又一次\n注意力"],
  pictureSaid: ["The whole model, from left to right: {before}; {depth} {depth:time|times} a block: layer norm, attention of {heads} {heads:head|heads}, added to the tokens, layer norm, MLP, added to the tokens; then {after}. Marked: {chosen}.",
    "整个模型，从左到右：{before}；{depth} 次一个块：层归一化、{heads} 个头的注意力、加到词元上、层归一化、MLP、加到词元上；然后 {after}。标出的是：{chosen}。"],
};
