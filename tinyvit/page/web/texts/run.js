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
  mapsLater: ["There are no maps yet: they come with the first weights that the run saves.", "还没有图：训练第一次保存权重后才有。"],
  mapsNone: ["There are no maps of this run: its folder holds no weights of a model that looks at images.", "这次训练没有图：它的文件夹里没有看图像的模型的权重。"],
  mapsMissing: ["No maps of epoch {epochs}: a run keeps only its newest weights, and this page did not see those in time. Epochs that end while it is open are kept.", "没有第 {epochs} 轮的图：训练只保留最新的权重，本页没来得及看到那些轮的权重。页面打开期间结束的轮会保留下来。"],
  filterUp: ["above 0", "大于 0"],
  filterDown: ["below 0", "小于 0"],
  filtersTitle: ["Patch embedding: what each feature of a token is the product of a patch with", "图块嵌入：词元的每个特征是图块与哪个滤波器的乘积"],
};
