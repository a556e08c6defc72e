// Made by Tests/Support/vectors/make_source_tables.py: bytes, SHA-256 and path of every file.

extension SourceSet {
  static let wikitext2 = SourceSet(
    id: "wikitext-2", title: "WikiText-2, validation and test text",
    licence: "CC BY-SA",
    table: """
      410944 688887879b4b526692cb2e423a516dcc5f6584a01fd3f33a8e164fbed2de8090 test.txt.gz
      373475 3cdd8cb5bb349a05840c7c3bef9578d90d64df77e27e0c25c033ba9342757ee3 valid.txt.gz
      """)

  static let tinyshakespeare = SourceSet(
    id: "tinyshakespeare", title: "Tiny Shakespeare: 1.1 million characters of plays",
    licence: "public domain",
    table: """
      433884 13125fe8f49092165d7d489e3944db52d1ba546e64a60080cc9523bcd0c5e46a input.txt.gz
      """)

  static let stsbenchmark = SourceSet(
    id: "stsbenchmark", title: "STS Benchmark: sentence pairs with similarity",
    licence: "CC BY-SA 4.0 (scores), texts see LICENSE.txt",
    table: """
      6641 3dfc3217395f8c5dd05c5f8995f25fe2f8fd258e6dd770b3de480749caee8c70 LICENSE.txt
      5994 e9488363d211c32ca5e912954f16eb9233cfed1b5b4b0475d0d812d35d7c8ef1 readme.txt
      80425 236a6c58ea908138967bbbf66b759451857ea64dec86170171b31c3d08782a3c sts-dev.csv.gz
      68882 046f4d27f8ba7a825a4e975ab185ace92785618f74a4309067038a4e001e8909 sts-test.csv.gz
      252009 c8f7386eb489cf22d04b65331f63746483473e81d0e7a2003777e79109072c3c sts-train.csv.gz
      """)

  static let sentenceClassification = SourceSet(
    id: "sentence-classification", title: "MR, Subj, CR, MPQA, TREC, SST: labelled sentences",
    licence: "not stated",
    table: """
      2240 08a1347bbe7a515fb315ef39be1ff66c752ef3ab8dd174bf9b394afde304bb17 README.md
      7257 b1ca503bacf46799ef78cc710c9b03f62197a1bab9e2cdd3d9ad55f3af40934f TREC.test.all.gz
      109524 255973efdbcb88d44452bdee22de565a4ff17650fa8326f3abd63ec937e6c919 TREC.train.all.gz
      127370 ba0ed1ab19a877f6cc918d6f17e76c35a04c92b5d3899ef610ed11eaf13f0ad2 custrev.all.gz
      78457 e2b67c4cd78dc9b01c9f4f6c05c56d1c464c217cb96d27db31316b34e97a515f mpqa.all.gz
      486275 cc571f666c042c36c0b6b69eb2b233812ab5bc4fcc2eb7524f4d0c6f0265ae9d rt-polarity.all.gz
      37984 32ffddd2806589fa6f1f9e13cc9a2f2ce24ee29c80c922d313af8c54f92f7b4c stsa.binary.dev.gz
      76789 878d3a957698f3387519aaecad2b6d6b9c3a8823f98af4f3185dfdfe6c0f9652 stsa.binary.test.gz
      287575 99e469cf2fa3b89d0383ad531167017f61cd1711ab9236f7e711e34c6ae6ffb4 stsa.binary.train.gz
      47280 bdea184fdb855499b994b6a3f6db188b661083e7b26c851d96f4efa7cdea2497 stsa.fine.dev.gz
      93075 0629df62e70903a2bbc5dcae184cdef465c45c2ab9113bc0f1b41598e9ef70cf stsa.fine.test.gz
      354344 2f340a32322d62b0e925dc7b01da3ec5438959452806bdc372a3655bf921a77b stsa.fine.train.gz
      517658 ddf5b8519ca3b4523b784dcb5320d1cc189a28a801195ca5421184771a8ebefb subj.all.gz
      """)

  static let shortTextTopics = SourceSet(
    id: "short-text-topics", title: "SearchSnippets, StackOverflow, Biomedical: short texts by topic",
    licence: "not stated",
    table: """
      521450 e33a02aab18b12c1ce16fb4eb776bed45d2ee2e205a5a2294733685d95f29765 Biomedical.txt.gz
      126 73c0b1005372ecbd28879be13423f95a86e984d2449dda5b99b1a744047d26b7 Biomedical_gnd.txt.gz
      522108 5793302de70fadd6ded1ef81d84e1a3944440924d8d6b789b26505d50da0ac2d SearchSnippets.txt.gz
      99 feb3746084c13b467a19cc2534728206ef771f0a50c9b943b3556865423994a1 SearchSnippets_gnd.txt.gz
      397938 259a9a3cadac1c4831885d5874d07ac1baf93dc0778392c021dcab01b7645129 StackOverflow.txt.gz
      13295 ec92cb0f8f38ad0b043d57778034888fc487416766dad8449fe6f6d9449d1aca StackOverflow_gnd.txt.gz
      """)

  static let multi30k = SourceSet(
    id: "multi30k", title: "Multi30k: image captions in four languages, no images",
    licence: "non-commercial (Flickr30k)",
    table: """
      5538 ce875395c67fac0472d22641e9118b46db92147eb2b770b8da6629c35439c232 images.test_2016_flickr.txt.gz
      136137 962b6d40e933967a43e0b8dc28891f8ba6813bc3a48f072e19977927ae5e84c4 images.train.txt.gz
      5610 40e120ee24c92948383d6e9f8d003da9653e696065f5942832b58bef1c5d36aa images.val.txt.gz
      22572 200a4a74cc9560f051924abb9803be008d1908d77f747e9141aeb86dfd2797f1 test_2016_flickr.cs.gz
      22890 9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8 test_2016_flickr.de.gz
      21077 611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9 test_2016_flickr.en.gz
      22310 6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90 test_2016_flickr.fr.gz
      593827 a65adb8b32e3bc664f21ecba7a6e7f6950fd1f405e135f7c312faabdb6255077 train.cs.gz
      637044 726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6 train.de.gz
      568929 d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f train.en.gz
      604242 622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c train.fr.gz
      22096 b63226e05c4bd5dd6a42897d74b86a1b9d2c31498252c572b1ea7f7996927fcc val.cs.gz
      24681 f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a val.de.gz
      21650 14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28 val.en.gz
      23001 ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9 val.fr.gz
      """)

  static let movieReviewDocuments = SourceSet(
    id: "movie-review-documents", title: "Cornell movie reviews v2.0: whole documents",
    licence: "not stated",
    base: "https://raw.githubusercontent.com/jbrownlee/Datasets/d20fcb6402ae34e653d4513b00f39257bb37ed7f/",
    table: """
      3127238 fc0dccc2671af5db3c5d8f81f77a1ebfec953ecdd422334062df61ede36b2179 review_polarity.tar.gz
      """)
}
