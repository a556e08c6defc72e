// Made by Tests/Support/vectors/make_source_tables.py: bytes, SHA-256 and path of every file.

extension SourceSet {
  static let tabular = SourceSet(
    id: "tabular", title: "Eighteen small tables: adult, wine quality, ionosphere, ...",
    licence: "not stated",
    table: """
      52797 d53200bff0634be624f9ffaad609623fcada537ce04834bc8b19ec246d49414a abalone.csv.gz
      2157 cf145fbaeea40d2befedef0afdcb30e91c98d6241aa9d628a257873ce05c0e73 abalone.names.gz
      205487 d16c978b95fe8ecec94dec57782a85ed9720c507d93a4608e8f182a8e6378d4a adult-test.csv.gz
      409337 fb9b6b419c38dd70d75d31f014b7f0905bf76e9625473c593455e31679a93184 adult-train.csv.gz
      2641 aa540504efdb2bca9d601674bfd7708604c564b09c7d1ad053c43716403dc536 adult.names.gz
      19092 545d46d2c3108d1da050295bc0c05ec5d969eb4f2c2c69d445c34a2f27ee7f53 banknote_authentication.csv.gz
      460 63ceda811316f16b30803e6176643b0a5b7b6c3628662a9bbff99a0ab47c234c banknote_authentication.names.gz
      2937 2b12ab72528c96009be0e8a7d7c13aafa0d7db59f4e37c4e3f8b705cbeb55061 breast-cancer-wisconsin.csv.gz
      2347 90df81616b2073a992aa13b669c9bbdea902bcb3e2ef7ee14dfdd003cbf98f2e breast-cancer-wisconsin.names.gz
      14170 b0252a7d1244047ff11b229fed6c54db91e759ee383b686e5ddf7fd9ee1fcd92 daily-min-temperatures.csv.gz
      140 f320fac4b44cc6b356f2d7729ed6528cdfdcdebdeef9e05bfa50835ae600b224 daily-min-temperatures.names.gz
      2679 658488090429b16a5a1a83d81f3998f8151b6e7bf7a585cdd07a10fffa2cadc9 ecoli.csv.gz
      1364 f9cdebfaf88840628319c487f3a1aecbae65ff91bda36f8f1b9ae3e9d8797d0b ecoli.names.gz
      12728 58804d9ae43946473625735ddd43204d4df94f15af829615690d5fb1b8d97c51 german.csv.gz
      1843 3addcb45c7b59e198ddf0c1d2d7034b227033286c40800f459eb8ef466b2f78b german.names.gz
      3384 8bf42f093398d216a0e8ec48cdc17947b47b20a18a5b87813291c2b8e623f909 glass.csv.gz
      1625 dac88551095399a68d7d873994e4badd52b2da87a032b4677f749288e8538e3c glass.names.gz
      28048 25ee627bba473a34c01c24676a11a5e1ad963b68b06ff6645ccbbaf6edd76a9d ionosphere.csv.gz
      1516 20320ba7b1806808371b00d4a0c267fe0ba708d6806e70d93a8a43983b4eead3 ionosphere.names.gz
      839 89e38f0ecb17b26dd892ebec0ffaa26b9faf9a79b968a67ffc0c04ec0f5d0014 iris.csv.gz
      1562 0bb6b1a480b78533d72c7cdb3244158ef503c0f18a76c77b39853929bad02a93 iris.names.gz
      162944 63c01cc0938608e9ef1b83db29fb7af49af3e3c2afca5835b6897a5a0d4e0ec2 mammography.csv.gz
      278 657c80f01f40222c7cbb624bd8096b75ed81db1708ade22c56839479d9058b9d mammography.names.gz
      75759 29512820f172e80a1a67890d0a2acb17d816e61c3559f02a0ed3641e8a3b0281 oil-spill.csv.gz
      204 fcbc8ec01a7e67de0a8cf56b8a14aa7746de3182b91fea024291390ded850e54 oil-spill.names.gz
      59145 02b2bbefc8fbf312b8a54d1223ed003ca2564477f316ccc3cea8b4291a785979 phoneme.csv.gz
      3648 a107169a54292ec9a89d0268bb599ac109dfa8cfe9abbc9b4daa81cdfd5e55e5 phoneme.names.gz
      503541 f05c813a792252d701ef765302e73bea5e78f7d0edc44cd3cece745313affed6 pollution.csv.gz
      676 4674ed9c0418948c9c67a3412c10b99dfbe0709de1e77af133036829269f98a7 pollution.names.gz
      28912 0cef5c0bc05a7b7269644b1e9a17606c15375a0181e45ce547c4c2d348429a76 sonar.csv.gz
      2596 58ea7459d4826ad48839f966be52fe6b1a047c628cba67ca815174fec4a31e8f sonar.names.gz
      3548 211fa7a0a7529b170f424dfc08b282760c44f55c1b5d5d172895c69fd11340b9 wheat-seeds.csv.gz
      1143 d2fcc7d62da9dfe8f47c0010e759d2260d9d5c94d1032d9760d200191b9af578 wheat-seeds.names.gz
      4097 e42cd1f730658ba6eb1230acb4134f356a60dbc4390149679e206e2319f55638 wine.csv.gz
      1547 13d51ba15af6ec9944833c51c918da0f2baec2e6bae91cbb7fa17a1b36115874 wine.names.gz
      22508 0f354f4fb936a0a0e0b05f6af8f97ea0e4541dcc4efbb9b976c4e0569acf8c57 winequality-red.csv.gz
      66565 8c42973caa9641368001eb73af472aaa99e0f1072389c5e6c5b07ed9cdddf9b1 winequality-white.csv.gz
      1528 e2f9c155e825201933730a1b4c7c5c9431a9b104ee9c6c6d7b4a83fc89dc8c6c winequality.names.gz
      """)

  static let timeseries = SourceSet(
    id: "timeseries", title: "UCR/UEA time series: ACSF1, ArrowHead, BasicMotions, GunPoint, ItalyPowerDemand",
    licence: "not stated",
    table: """
      278511 674b197d06b9fb25c9dd34ff292a4060373c02f5d9d83eb26a31490f4a561865 ACSF1_TEST.ts.gz
      279844 2e0325012e585df6c728b43e844b39c1cb48a34a1d6eb01ee44d5c5d6be12515 ACSF1_TRAIN.ts.gz
      204165 45e6a3ed68cd1a050aed08cbf6e96174102f4539b368ad5154cd90944afffb85 ArrowHead_TEST.ts.gz
      43692 5e6f590fcce12aec1e0776e34048430ef65bb7edb0106e233f65ac0f1f5c20e0 ArrowHead_TRAIN.ts.gz
      84638 0d72101300d5d9649e5ef2117dc426840f2bff4ba176d0b9e2baa16cced25f05 BasicMotions_TEST.ts.gz
      85453 9bf98638f7147d4eaa563e80bd3fc8099bb16b80ea8f5992696921514d65fc7d BasicMotions_TRAIN.ts.gz
      104790 0a2c283b0b5672ca7bde20202b860c3705b0a64d209aaed6762e61fab371ea9f GunPoint_TEST.ts.gz
      35777 26785ca9e8ddd8066b8c8415a0a7d2c6c6477e652527788a041c14b9236c0324 GunPoint_TRAIN.ts.gz
      112576 2460845ec60536687f0b96d3d7bf7b8bea4416b750de54cf52f2b5c5e08f2c24 ItalyPowerDemand_TEST.ts.gz
      8141 af01fe108ffc6fdf38016a1f8a0e378d1700a2624b11ac100888319e9c3f16dc ItalyPowerDemand_TRAIN.ts.gz
      1533 4f5bdd0f809b9e09f22eab0459a5b8f35fc18fc0207eeadbc2f6107288d2132d LICENSE-sktime
      """)

  static let lastfm = SourceSet(
    id: "lastfm", title: "Last.fm (HetRec 2011): users, artists, friends",
    licence: "not stated",
    table: """
      243104 ceed6e9fcd0af5bc6a91606e493f219106e96c69ae66a06e98930a7ed6f9b34e data1.txt.gz
      61636 61b77134af300ea6caca6f11906dac86e9fa339dca6d7f81babee3c637fc5293 test1.txt.gz
      73574 81cc9e0e09d8c5191858c1365f6ffabedf693d27012974638498936c9ddab2cb trustnetwork.txt.gz
      """)

  static let planetoid = SourceSet(
    id: "planetoid", title: "Cora and Citeseer citation graphs, public split",
    licence: "not stated",
    table: """
      1076 8eeeea48c8b4bc197ad1d7ab01143ac43d52053e560b175bca7ca722c4047234 LICENSE
      192139 5f2a64990ffdf00f021e8badd28ae61a54869f939f87af6ea4d05e611afefeb8 citeseer.npz
      96302 a8bf3dbb1d7e009bd66e2973ab5b8a3c18b45136bd44ab3e2fd13adf49f3186b cora.npz
      """)

  static let multiview = SourceSet(
    id: "multiview", title: "Six multi-view feature sets: Scene-15, LandUse-21, MSRC-v1, ...",
    licence: "not stated",
    table: """
      1072 91255454d0aab1fae2a11b9f09ba7dd72d964e7770d2e558822a5233567d91eb LICENSE-Completer
      1111978 db442c26d8a0563061e4bceae57ab6fd68c013781ef032fa5b3a58f9b59b6e65 bdgp.npz
      3496757 f3bcdb163139d92573b526ab4e1b8dd6748c14cb2a64f6504e85015df528708a handwritten.npz
      1370081 8492432f0940a27c685dee265b7440a973dbcab795b9e699079fadf5e761aaf5 landuse21.npz
      2212920 45f8af395c250ff86808e5c2fc0068bfcd0abfd406d7d95a702e7dc7413c8138 mnist_usps.npz
      913297 1f6c2b5c9d542c4c303e86f4dba3de64fc348fa33f9a3706b2a343208f6a7be3 msrcv1.npz
      2916394 fbcac0f86aeffdc0e1f7180bc43fa3bc5312cd1279168b2fd4e136a2c1065bb3 scene15.npz
      """)
}
