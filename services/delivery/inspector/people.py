"""How people are called: surnames and given names, Chinese, in pinyin and English; and whether a text is such a name.

Promises: a word that only begins like a name (a town, a product, a state of affairs) is mostly told apart; the share of
such words in a column decides, never one of them.
Sources: the surnames that some 98 % bear (2020 census report on names); the lists of given names are ours.
"""

import re

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦"
    "付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申"
    "欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷曲盛冉翁蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤时阳穆农司卓古"
    "吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官"
    "肖鄢粟郁樱舍元朴常原宣练花化帅母呼延揭阴邸扈郗鞠仝冼"
    "張劉陳楊黃趙吳孫馬鄭謝許韓馮鄧蕭葉蘇盧蔣賈鄒陸萬錢嚴龔賴莊顏齊龍湯關闞譚羅鐘鍾簡連溫閻呂紀兪"
)
COMPOUND_SURNAMES = (
    "欧阳|上官|司马|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|端木|南宫|百里|独孤|宇文|长孙|呼延|轩辕"
)
GIVEN = frozenset(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华文建国玉兰红梅海燕金凤春生志林婷雪琳晨阳宇轩浩然子涵梓欣怡雨桐佳思诗梦洁"
    "博文昊天俊峰鹏飞龙翔辉宏亮斌彬彪波成诚昌春德东栋恩凡帆方芬锋福富刚贵国海涵瀚豪浩和恒鸿厚虎怀欢焕慧惠家嘉建健剑江娇杰捷津锦"
    "瑾晶敬靖景静君钧俊凯康可克坤兰岚蓝乐磊蕾莉力立丽利良亮林琳霖玲凌羚岭龙隆露璐伦曼茂玫梅美萌孟梦敏明铭木楠宁培佩朋鹏萍齐琦琪奇"
    "启强巧青清晴秋泉权全群仁荣蓉如茹儒瑞润若森珊善少绍深生胜盛诗世书淑树顺硕丝松苏素岁泰涛天田恬甜婷庭彤桐童婉薇巍维伟卫玮文雯武希"
    "曦霞先贤祥翔湘香向晓笑小心新欣鑫馨信星兴杏雄秀旭轩萱璇学雪勋雅亚延炎妍岩彦艳燕洋阳瑶尧耀业叶一依怡宜艺亦奕毅逸义益银尹盈颖莹"
    "永咏勇友有佑宇羽雨语玉育煜钰裕元源远媛月悦跃越云芸韵泽展长哲珍真振震正政之芝志智治中忠钟仲竹柱卓梓紫自宗祖佐作川传丹大达丁鼎"
    "冬二发法飞菲丰风枫峰凤刚高歌根耕功冠光广桂果晗航好鹤红虹宏花化环晖会卉吉纪继佳坚剑洁金进京菁井娟军开宽奎昆来朗黎礼理莲"
    "练列灵柳禄律满民牧南念娘攀沛璞庆琼全冉让日榕柔山尚升圣石时士仕守寿舒帅双水硕斯四嵩遂台堂腾铁同万望蔚温五夕西喜侠贤想湘孝新"
    "秀绪宣训雁扬养野夜影应映郁园苑允运赞增昭兆喆贞争铮知致洲珠子朱壮卿娅嫣妮娥姗姝姣娴婕婧嫒宸宥宛寅寒尔屹嵘帼弘彗徽忆怀恺悠惟愉"
    "慈憬戈扬抒敦斐昀昕昱晋晏晓晟晶智暄朔杨杉杭柏柯桃桦梁梅棋楚楷榆槐樱欧毓汉沁沂沐泓泳津洪浦涓润淇淼清渊湛滢滨漪漫澄澜灏炜炳烁烨熙熠"
    "燊爽玄玟玥玲珂珈珏珑珞珠琛琰琳瑄瑛瑜瑭璟璐璨甫畅皓盼睿砚祎祺禹禾秦穆童竣筠筱箐絮纯纬纳绮缘翰翠聪舜航芊芙苒苗茜荔荷莎莘菁菊萌落蒙"
    "蓓蔓蕊蕴薏虞蝶衍裴觅诺谦谨豆豪贝赟辰迅迪逍遥邦郡酉钦钰铎锐锡镇镕阅陆雁霄霆靓韬韶顺颂颐飒馥骁骏骥鲁鸣鸽鹃麒麟黛默娃囡"
    "懿襄操过翊翎珺玺钊烽焱垚淼赫骞骐翀昶昊昇曜旻旸沛洵浠潇澈瀚灵玖琬琮瑀璎画皎眉知砺祯禛稚穗笙纤织绎绯缇罡羚翡耘聆胤舟舫芷苓茵荃莞菀"
    "萦葵蓁蔷薰蕙藜蝉衡谊谧豫赋轲轶采釉铃铄镜闻陌雍霈霏韫颀颢飏骄骋鲲鹂鹭麓备策瑜统普布瞻攸逊抗肃魁兰羲献修轼辙愈适然维桢亭拉继时珍白绅涣才"
    "偉麗鳳蘭華國軍傑濤龍飛強剛紅蓮鳴賢豐達遠瓊潔靜穎詩夢曉雲雅儀慧憶樂歡璇瑋瑩瓏瑤盈維綺綱翰聖聰興蓉薇藝銘鋒錦鑫震霖麒黎鵬齡葦訓諾賓軒運鄉鈞銳鎮長順頌顯騰馨鴻"
)
NO_NAMES = frozenset(
    "成功 成交 成本 安全 安心 高温 高峰 平安 明天 时长 时代 全天 全国 向上 和平 万元 方正 车海 应有 解冻 任务 费用 "
    "常规 原因 连接 单价 单位 文化 文明 明星 金星 白天 白金 古文 农民 农业 石化 江南 江西 海南 云南 路南 路西 关东 "
    "华东 华南 华中 华北 解放 和谐 高新 高中 高清 全新 "
    "白玉兰 金银花 杜鹃花 何首乌".split()
)
PINYIN_SURNAMES = frozenset(
    "wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he gao lin luo zheng liang xie song tang "
    "han feng deng cao peng zeng xiao tian dong yuan pan yu jiang cai du ye cheng su wei lu lv ding ren shen yao "
    "cui zhong tan fan jin shi liao jia xia fu fang bai zou meng xiong qin qiu yin xue yan duan lei hou long tao gu "
    "mao hao gong shao wan qian dai mo kong wen kang niu ge xing an qi yi qiao pang ni zhuang nie lai ouyang zhuge "
    "sima".split()
)
ENGLISH = frozenset(
    "james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark "
    "donald steven paul andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob "
    "gary nicholas eric jonathan stephen larry justin scott brandon benjamin samuel gregory alexander frank patrick "
    "raymond jack dennis jerry tyler aaron jose adam nathan henry douglas zachary peter kyle ethan walter noah "
    "jeremy christian keith roger terry austin sean gerald carl harold dylan arthur lawrence jordan jesse bryan "
    "billy bruce gabriel joe logan alan juan albert willie elijah wayne randy vincent mason roy ralph bobby russell "
    "bradley philip phillip eugene liam oliver lucas leo oscar hugo max simon martin ian neil graham stuart craig "
    "derek trevor luke evan connor owen caleb isaac hunter cameron mary patricia jennifer linda elizabeth barbara "
    "susan jessica sarah karen lisa nancy betty sandra margaret ashley kimberly emily donna michelle carol amanda "
    "melissa deborah stephanie rebecca sharon laura cynthia dorothy amy kathleen angela shirley emma brenda pamela "
    "nicole anna samantha katherine christine debra rachel carolyn janet maria olivia heather helen catherine diane "
    "julie victoria joyce lauren kelly christina ruth joan virginia judith evelyn hannah andrea megan cheryl "
    "jacqueline madison teresa abigail sophia martha sara gloria janice kathryn ann isabella judy charlotte julia "
    "grace amber alice jean denise frances danielle marilyn natalie beverly diana brittany theresa kayla alexis "
    "doris lori tiffany chloe sophie lucy ella zoe claire jane kate eleanor ada rose lily mia ava amelia harper "
    "carlos luis miguel pedro antonio fernando diego ahmed mohamed mohammed muhammad ali omar hassan fatima aisha "
    "priya raj ravi anil sunil deepak vijay anita kenji hiroshi yuki hans klaus jürgen pierre marie françois "
    "giovanni marco ivan olga dmitri sergei natasha elena tom tim mike dave steve bob jim bill chris matt nick ben "
    "sam alex tony andy greg jeff ken kim sue liz beth kathy debbie jenny becky vicky mandy wendy cindy peggy "
    "joanna joanne leah molly erin shannon tara monica vanessa veronica gina tina tanya tracy stacy dawn robin "
    "holly kristen courtney jill marcus troy shane derrick astrid matthieu veronique véronique luc michel andre "
    "andré philippe nathalie isabelle sylvie camille julien antoine nicolas thierry laurent sebastien sébastien "
    "andreas stefan wolfgang dieter uwe ursula sabine petra heike monika katrin anja ulrike matthias florian lukas "
    "felix jonas lena alessandro giuseppe francesca chiara luca paolo santos aarón javier jorge manuel francisco "
    "carmen josefa pilar alejandro pablo sergio raul raúl lucia lucía ana rahul amit sanjay rajesh suresh ramesh "
    "pooja neha sunita kavita arjun aditya rohan vikram sneha divya lakshmi mohan mehmet mustafa ahmet emre ayse "
    "yusuf ibrahim khalid abdullah amir takashi yuko haruto sakura min jun soo nguyen curtis darren dean travis "
    "corey brett chad joel glenn grant spencer wesley clifford stanley leonard francis norman harry fred howard "
    "ernest clarence earl louis barry theodore allen mathew tanner trent dustin ellen sally carla dana erica "
    "felicia gwen hazel irene kara kay lillian lorraine louise mabel marcia marion maureen meredith miranda miriam "
    "nadia naomi nina nora norma paige pauline phoebe ramona regina rhonda rita roberta rosa sabrina sadie selena "
    "sheila sherry sonia stella sylvia tabitha tamara toni valerie vera vivian wanda yolanda abby adrian alvin amos "
    "angus archie blake boris brad byron cecil cedric chester clayton clyde cody cole colin dale dan darrell daryl "
    "desmond dominic duane dwayne eddie edgar edmund edwin eli elliot elmer erik ernie fergus floyd gavin geoffrey "
    "gilbert gordon hector herbert herman homer horace irving jake jared jasper jay jeremiah joey johnny kirk kurt "
    "lance lester lloyd lyle malcolm marshall marvin maurice melvin micah miles milton mitchell morgan morris ned "
    "nelson nigel orlando otis percy perry quentin ramon randall reginald rex ricardo rick riley rob roderick "
    "rodney roland ron ross rufus rupert saul sebastian seth sheldon sidney stewart ted tobias todd tommy vaughn "
    "vernon victor wallace warren wilbur winston".split()
)
NO_PERSONS = frozenset(
    "inc ltd llc co corp corporation company group airport international street park hotel university school "
    "hospital center centre row mountains mountain trail ridge union unions terrace inlet bank station road avenue "
    "limited plc gmbh bridge lake river island field county city store shop pro max plus bay beach valley falls "
    "springs museum gallery mall plaza tower building church college institute system motorway drive circle canyon "
    "causeway crossing divide expressway freeway gateway heights highway junction landing lane loop manor meadow "
    "mews orchard overpass parkway passage path pike plain point port prairie radial ramp ranch skyway spur square "
    "stream summit throughway track tunnel turnpike underpass viaduct view village vista walk way alley branch "
    "bypass cape cliff club corner course court cove creek crescent crest estate extension ferry forest forge fork "
    "fort garden grove harbor haven hollow knoll lodge mill mission mount oval".split()
)
FORMS_OF_ADDRESS = frozenset(("先生", "女士", "小姐", "老师", "医生"))  # behind a surname alone they name nobody
TITLES = frozenset("mr mrs ms miss dr prof sir madam".split())
LATIN = r"\p{Latin}[\p{Latin}'’.-]*(?:,? +\p{Latin}[\p{Latin}'’.-]*){1,3}"
DOTS = "·•‧・･∙"  # that part a name, as one or another keyboard has them
MINORITY = rf"\p{{Han}}{{1,10}}(?:[{DOTS}]\p{{Han}}{{1,10}}){{1,3}}"
_SYLLABLE = (
    "(?:zh|ch|sh|[bpmfdtnlgkhjqxzcsryw])?(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|"
    "iu|ua|ue|ui|uo|er|a|e|i|o|u|v)"
)
_given_in_pinyin = re.compile(rf"(?:{_SYLLABLE}){{1,2}}")
_compound = re.compile(rf"(?:{COMPOUND_SURNAMES})")


def is_name(text: str) -> bool:
    """Whether a text is a person's name in full, as far as the lists reach."""
    text = text.strip()
    return _is_latin_name(text) if text[:1] < "\u2e80" else _is_chinese_name(text)


def _is_chinese_name(text: str) -> bool:
    if any(dot in text for dot in DOTS):
        return True
    if text in NO_NAMES:
        return False
    given = text[2:] if _compound.match(text) and len(text) > 2 else text[1:]
    given = given.strip()
    if len(given) > 2 and given.endswith(tuple(FORMS_OF_ADDRESS)):  # 孙磊先生, and not 孙先生
        given = given[:-2]
    return given not in FORMS_OF_ADDRESS and all(character in GIVEN for character in given)


def _is_latin_name(text: str) -> bool:
    last, comma, rest = text.partition(",")
    words = [word.strip(".").lower() for word in ([*rest.split(), *last.split()] if comma else text.split())]
    words = [word for word in words if word not in TITLES]
    if not 2 <= len(words) <= 4 or NO_PERSONS & {part for word in words for part in (word, word.rstrip("s"))}:
        return False
    return words[0] in ENGLISH or _is_pinyin(words) or _is_pinyin(words[::-1])


def _is_pinyin(words: list[str]) -> bool:
    given = [word.replace("-", "").replace("'", "") for word in words[1:]]
    return words[0] in PINYIN_SURNAMES and all(map(_given_in_pinyin.fullmatch, given))
