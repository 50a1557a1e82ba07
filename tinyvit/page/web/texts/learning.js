// Words of the section in which a model learns. key: [English, Chinese]

export const learning = {
  learningTitle: ["Watch it learn", "看它学习"],
  learningLead: ["A model of the same kind, smaller, begins with *random weights* and learns here, in your browser, from 10,000 digits of MNIST in 16 grey levels. Every step is a forward, a backward through every part that you see above, and a small change of all weights. It is asked now and then about digits that it never learns from.", "一个同类但更小的模型从*随机权重*开始，就在你的浏览器里学习 MNIST 的 10,000 个数字（16 级灰度）。每一步都是一次前向、一次穿过上面各部分的反向，再把所有权重改动一点。它不时要回答从未学过的数字。"],
  learningStart: ["Begin", "开始"],
  learningPause: ["Pause", "暂停"],
  learningGoOn: ["Go on", "继续"],
  learningDone: ["Done", "学完了"],
  learningReset: ["Other random weights", "换一组随机权重"],
  learningShow: ["Draw at what it learned", "给它画一个数字"],
  learningSave: ["Save it for Python", "保存给 Python 用"],
  learningBack: ["Back to the first model", "回到原来的模型"],
  learningIdle: ["It knows nothing yet. A minute or two are enough for nine of ten digits.", "它还什么都不会。一两分钟就够它认出十个里的九个。"],
  learningNow: ["{images} images in {seconds} s. Of the held-out digits it was asked last, {share} right.", "{seconds} 秒学了 {images} 张图。最近一次考它没学过的数字：答对 {share}。"],
  learningLoss: ["Loss while it learns", "学习中的损失"],
  learningAccuracy: ["Right answers on digits held out", "留出数字上的正确率"],
  learningDigits: ["Six of these digits: where the last block looks, and the answer", "其中六个数字：最后一块看向哪里，答案是什么"],
};
