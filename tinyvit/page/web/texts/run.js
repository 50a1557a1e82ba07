// Words of the section on a run that is watched. key: [English, Chinese]

export const run = {
  runTitle: ["A run, as it happens", "正在进行的训练"],
  runLead: ["The page reads what the run writes: its curves, and what its weights make of a few digits, epoch after epoch.", "页面读取训练写下的内容：曲线，以及每轮之后的权重怎样看几个数字。"],
  runName: ["{name}: epoch {epoch} of {of}", "{name}：第 {epoch} 轮，共 {of} 轮"],
  lossTitle: ["Loss", "损失"],
  measureTitle: ["On the dev split", "在验证集上"],
  trainLine: ["training", "训练"],
  devLine: ["dev", "验证"],
  epochsTitle: ["Where it looks, mean of the heads", "它看向哪里（各头平均）"],
  epoch: ["epoch", "轮"],
  epochLabel: ["epoch shown", "显示的轮"],
  filtersTitle: ["Patch embedding: what each feature of a token is the product of a patch with", "图块嵌入：词元的每个特征是图块与哪个滤波器的乘积"],
};
