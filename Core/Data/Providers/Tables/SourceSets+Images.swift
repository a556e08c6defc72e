// Made by Tests/Support/vectors/make_source_tables.py: bytes, SHA-256 and path of every file.

extension SourceSet {
  static let tinyImagenet = SourceSet(
    id: "tiny-imagenet", title: "Tiny-ImageNet, half of the classes, 64x64, with boxes",
    licence: "not stated (ImageNet: research only)",
    table: """
      4089 95698f1b1a5657c275cf7d61cfc088273f79d0a19cff71ce56dd1ed0a22fbe55 classes.tsv
      20156140 fcdcd85219144f87d3698c1508f0afc65c092e25e52f133e761825fbe9486bb7 tiny_imagenet_train.npz
      3364066 0230c7e299bae8b7b45c20f3828d11cc4853a43e07ff446bcea87dbfe6dd9df5 tiny_imagenet_val.npz
      """)

  static let omniglot = SourceSet(
    id: "omniglot", title: "Omniglot: the two minimal background sets, strokes, one-shot runs",
    licence: "MIT",
    base: "https://raw.githubusercontent.com/brendenlake/omniglot/057f034baf2ecb8530bc5710e"
      + "5a23584d2a519cc/python/",
    moved: ["LICENSE": "../LICENSE", "all_runs.zip": "one-shot-classification/all_runs.zip"],
    table: """
      1080 2efb425d9850e7bce985f151dc2ee1f4485e926a3582e08fd879cd28eb0388f5 LICENSE
      352787 437c1eeab0af8484112e1b4cc0f3d541ec727f7c47b9b202da738af9dfd6c325 all_runs.zip
      1319022 f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4 images_background_small1.zip
      1580917 3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f images_background_small2.zip
      3056274 8cb3960fb6cf4ccf5f064ad83169f828c36c36782a0f6e7faacb7ecfae4468a2 strokes_background_small1.zip
      """)

  static let orlFaces = SourceSet(
    id: "orl-faces", title: "ORL faces: 40 people, 10 grey portraits each",
    licence: "not stated (credit Olivetti Research Laboratory)",
    table: """
      3716237 e08d3b771d4c7f235ef33541f8e5836b45450a6895f592dcab034ec22ad3a926 att_faces.tar.gz
      """)

  static let sceauxCastle = SourceSet(
    id: "sceaux-castle", title: "Sceaux castle: 11 overlapping photos with intrinsics",
    licence: "not stated (copyright 2012 Pierre Moulon)",
    table: """
      137283 e888aa6204991c87f1003414110470b20ebf17c7a0492b9bec315334a734d7fa 100_7100.jpg
      114392 1cfb62aaaa96513bd3363a4007f6a935bb35e00f2196c8a3f61bbb2d0f1b9428 100_7101.jpg
      115669 ad176f2a2b20ae727f39b1a78de9a7bc0b2c9d6860b0565228a65d1832282d36 100_7102.jpg
      107673 a05d958a7e6a58e482c011e24e6573dfa63e1f8424b6782a5b2bb89c917a5870 100_7103.jpg
      107498 21ce1bd4bcb0bfe00644ef7d55c23391c0574b4573d927feef6ed30622ccc65e 100_7104.jpg
      106188 fd13fceb8e98550e415151f5aece42b095435506ab26ef6718ed0805f79b590e 100_7105.jpg
      108880 85de147a7e306280f739e53566eb6cd7b3561174b7d7c00041439c957a7b1367 100_7106.jpg
      100346 06360c8aaf1ed43aa617c9f917d28e928bd49da8af68c69f95e7cca88013da79 100_7107.jpg
      104970 a8aa89d7ef94947f4923e500f20dec8816ff3972efbfe618a9d531c9c9c0f148 100_7108.jpg
      112894 f19f169caedcb7f7e461073d288e56070de61a21171e8fbaabf622f15db4624d 100_7109.jpg
      178754 77dcb9965680179763a3f234de9590322cd4cf9ec6631a1d105b6de96c106681 100_7110.jpg
      46 ada708f6685d2af0ed3fdb2ce9bb6fb5b15762d7b0d97044834e207c6eb08a17 K.txt
      38 78bd7084ce90963768e7a714ecbb8aa68293741c37c729b49c819f76efb5d4aa K_original.txt
      250 ce53d36c18c1e5d95ecdf4334ff4fa1408d69e8e49bc1be19047c6f0529a57cd Readme.txt
      """)

  static let middleburyStereo = SourceSet(
    id: "middlebury-stereo", title: "Middlebury 2003 stereo: Cones and Teddy",
    licence: "not stated",
    base: "https://raw.githubusercontent.com/xland16/disparitymapping/de5c48ec8f9e5893f324d"
      + "9068372bd1a7c16b46c/",
    table: """
      168765 2c6a62015d681d7091d4245d72c9ba2376c570cede619ac7a60c5d02221bf88a cones/disp2.pgm
      168765 7f9fbc72e256f6cb045b9a0123449a77efeb354428d0a48709a2bc343d54566d cones/disp6.pgm
      345665 a6f564d617ef90aaf7c4343468c08060bf614f12af64cb6dac8c2c7d559d06ae cones/im2.png
      347433 fdeaac2c0c6c9ff7cadf1793b1e93a345beb82918aac8593c93ec9727187fee5 cones/im6.png
      168765 b223e7e7f3338d82938088f8ccd6ecc5e5893706ccd4d926ec291d29d0e2e08b teddy/disp2.pgm
      168765 51bad1f837279215115547b8bb6f097c7b8ef54336fd7c7e23b866e0e22658cd teddy/disp6.pgm
      322029 e364b8a12e00d066fd7f6e1a676a10eb6628431707a0f58dbdcd7ea72e0fece9 teddy/im2.png
      323702 bac95862426cea818bcbe67ed09ae8f6c375223d4c4679605d88cb8677436365 teddy/im6.png
      """)

  static let kittiObjectSample = SourceSet(
    id: "kitti-object-sample", title: "KITTI object detection: three frames with LiDAR",
    licence: "CC BY-NC-SA 3.0",
    table: """
      1616 29b89ca9fa49b2cad778bf73910ff7210c7998badae39796cf29666081992d7f calib/000000.txt
      1613 5813c05a89e33e67244891c62e153e0a572692d42365b8665e38cc242c7d4918 calib/000001.txt
      1613 5813c05a89e33e67244891c62e153e0a572692d42365b8665e38cc242c7d4918 calib/000002.txt
      893783 bf103e7a67c33549053fd3faa22b4c079434acc967b24995da3bdc7f8ece8c65 image_2/000000.png
      735973 40acaf855260376103a5e0d97e9dce15d51811c0f419ff308e948fefdd880bf6 image_2/000001.png
      767111 5c23307c68d2372fdd34c8a9f71e49ba41c8a998adf784f6d0892f414bc7fbef image_2/000002.png
      87 6627ff300809ccdb8f0402c1003b7c691a64e3027ceaf0ce7cabfeef9809d0c3 label_2/000000.txt
      565 36eef20c544fb5cd648ea3144683a6f0e7a6869c94c1347cb7e6997e0253aefd label_2/000001.txt
      164 6c9295ac0a8dbf9d018db0a5e47a217d21d77b764819fda8c91052a3ae414c11 label_2/000002.txt
      1073705 e8c047690c76b1976ca705c5f936c8c1125d70a308698b7c0df5759d53a4c3c7 velodyne/000000.bin.gz
      1142044 9c2d29475fa439f0d9cb8c1b3cffe44782802633ed3c1244fffa54e8062ffb15 velodyne/000001.bin.gz
      1160899 351101024f99bfb2b816a91c82f2b798e46b767f747253bf606034be1ab71689 velodyne/000002.bin.gz
      """)
}
